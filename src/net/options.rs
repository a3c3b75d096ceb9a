//! Socket options in the units of `node:net`.

use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::time::Duration;

/// Turns `TCP_NODELAY` on or off.
pub fn set_nodelay(socket: SockRef<'_>, enable: bool) -> io::Result<()> {
    socket.set_tcp_nodelay(enable)
}

/// Turns keep-alive probes on or off. Seconds; 0 leaves the system's (for `idle`) or libuv's
/// defaults (1 s between probes, 10 probes), which Node applies whenever it sets a delay.
pub fn set_keepalive(
    socket: SockRef<'_>,
    enable: bool,
    idle: u32,
    interval: u32,
    count: u32,
) -> io::Result<()> {
    if !enable {
        return socket.set_keepalive(false);
    }
    socket.set_keepalive(true)?;
    if idle == 0 {
        return Ok(());
    }
    let seconds = |n: u32| Duration::from_secs(u64::from(n));
    let mut probes = TcpKeepalive::new().with_time(seconds(idle));
    #[cfg(not(target_os = "openbsd"))]
    {
        probes = probes
            .with_interval(seconds(if interval == 0 { 1 } else { interval }))
            .with_retries(if count == 0 { 10 } else { count });
    }
    socket.set_tcp_keepalive(&probes)
}

/// Makes the next close send RST instead of FIN.
pub fn set_reset_on_close(socket: SockRef<'_>) -> io::Result<()> {
    socket.set_linger(Some(Duration::ZERO))
}

/// Sets the type-of-service byte (IPv4) or the traffic class (IPv6).
pub fn set_tos(socket: SockRef<'_>, tos: u32) -> io::Result<()> {
    if is_v6(&socket)? {
        #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
        return socket.set_tclass_v6(tos);
    }
    socket.set_tos_v4(tos)
}

/// Reads the byte that `set_tos` sets.
pub fn tos(socket: SockRef<'_>) -> io::Result<u32> {
    if is_v6(&socket)? {
        #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
        return socket.tclass_v6();
    }
    socket.tos_v4()
}

fn is_v6(socket: &SockRef<'_>) -> io::Result<bool> {
    Ok(socket.local_addr()?.is_ipv6())
}
