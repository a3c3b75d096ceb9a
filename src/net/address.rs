//! Endpoint addresses as JavaScript sees them: `{ address, family, port }`.

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
    /// Gives the address in libuv's spelling; an IPv6 scope is kept as `%index`.
    pub fn from_sockaddr(raw: &SockAddr) -> Option<Self> {
        let socket = raw.as_socket()?;
        let (address, family) = match socket {
            SocketAddr::V4(v4) => (v4.ip().to_string(), 4),
            SocketAddr::V6(v6) if v6.scope_id() != 0 && is_link_local(v6.ip()) => {
                (format!("{}%{}", v6.ip(), v6.scope_id()), 6)
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

/// Reads a numeric IP address, with an optional `%scope` for IPv6. Names are not looked up.
pub fn parse(host: &str, port: u16) -> io::Result<SocketAddr> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
    if let Some((ip, scope)) = host.split_once('%') {
        let ip: Ipv6Addr = ip.parse().map_err(|_| invalid())?;
        let index = match scope.parse() {
            Ok(index) => index,
            Err(_) => interface_index(scope).ok_or_else(invalid)?,
        };
        return Ok(SocketAddrV6::new(ip, port, 0, index).into());
    }
    let ip: IpAddr = host.parse().map_err(|_| invalid())?;
    Ok(SocketAddr::new(ip, port))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn interface_index(name: &str) -> Option<u32> {
    if name.contains(['/', '.']) {
        return None;
    }
    let text = std::fs::read_to_string(format!("/sys/class/net/{name}/ifindex")).ok()?;
    text.trim().parse().ok()
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn interface_index(_name: &str) -> Option<u32> {
    None
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
