//! Endpoint addresses as JavaScript sees them: `{ address, family, port }`.

use crate::sys;
use socket2::SockAddr;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// One end of a TCP connection.
pub struct Address {
    pub address: String,
    /// 4 or 6.
    pub family: u8,
    pub port: u16,
}

impl Address {
    /// Gives the address in libuv's spelling: a link-local one with its interface behind a `%`.
    pub fn from_sockaddr(raw: &SockAddr) -> Option<Self> {
        let socket = raw.as_socket()?;
        let (address, family) = match socket {
            SocketAddr::V4(v4) => (v4.ip().to_string(), 4),
            SocketAddr::V6(v6) if v6.scope_id() != 0 && is_link_local(v6.ip()) => {
                let index = v6.scope_id();
                let interface = sys::interface_name(index).unwrap_or_else(|| index.to_string());
                (format!("{}%{interface}", v6.ip()), 6)
            }
            SocketAddr::V6(v6) => (v6.ip().to_string(), 6),
        };
        Some(Self {
            address,
            family,
            port: socket.port(),
        })
    }
}

fn is_link_local(ip: &Ipv6Addr) -> bool {
    ip.segments()[0] & 0xffc0 == 0xfe80
}

/// As `parse`, for the peer of a connection: a link-local address without a scope is looked for at the first interface that
/// has such addresses, as by libuv since 1.51.
pub fn parse_peer(host: &str, port: u16) -> io::Result<SocketAddr> {
    let mut peer = parse(host, port)?;
    if let SocketAddr::V6(v6) = &mut peer
        && v6.scope_id() == 0
        && is_link_local(v6.ip())
    {
        v6.set_scope_id(sys::link_local_interface().unwrap_or(0));
    }
    Ok(peer)
}

/// Reads a numeric IP address, with an optional `%scope` for IPv6, which is 0 for an interface that is not there, as libuv has it.
/// Names are not looked up.
pub fn parse(host: &str, port: u16) -> io::Result<SocketAddr> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
    if let Some((ip, scope)) = host.split_once('%') {
        let ip: Ipv6Addr = ip.parse().map_err(|_| invalid())?;
        let index = match scope.parse() {
            Ok(index) => index,
            Err(_) => sys::interface_index(scope).unwrap_or(0),
        };
        return Ok(SocketAddrV6::new(ip, port, 0, index).into());
    }
    let ip: IpAddr = host.parse().map_err(|_| invalid())?;
    Ok(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numeric_addresses_only() {
        assert_eq!(parse("127.0.0.1", 80).unwrap().to_string(), "127.0.0.1:80");
        assert_eq!(parse("::1", 1).unwrap().to_string(), "[::1]:1");
        assert_eq!(parse("fe80::1%2", 1).unwrap().to_string(), "[fe80::1%2]:1");
        assert!(parse("localhost", 1).is_err());
        assert!(parse("127.0.0.1%1", 1).is_err());
    }

    #[test]
    #[cfg(unix)]
    fn names_interfaces() {
        let lo = sys::interface_index("lo").or_else(|| sys::interface_index("lo0"));
        let index = lo.expect("every Unix has one of the two");
        let name = sys::interface_name(index).unwrap();
        let host = format!("fe80::1%{name}");
        let parsed = parse(&host, 7).unwrap();
        assert_eq!(parsed.to_string(), format!("[fe80::1%{index}]:7"));
        assert_eq!(
            Address::from_sockaddr(&parsed.into()).unwrap().address,
            host
        );
        assert!(sys::interface_index("no such one").is_none());
        assert!(sys::interface_index("nul\0").is_none());
    }

    #[test]
    fn spells_addresses_as_libuv_does() {
        let v4 = Address::from_sockaddr(&parse("10.0.0.1", 7).unwrap().into()).unwrap();
        assert_eq!(
            (v4.address.as_str(), v4.family, v4.port),
            ("10.0.0.1", 4, 7)
        );
        let v6 = Address::from_sockaddr(&parse("::ffff:1.2.3.4", 7).unwrap().into()).unwrap();
        assert_eq!((v6.address.as_str(), v6.family), ("::ffff:1.2.3.4", 6));
    }
}
