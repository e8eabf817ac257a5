//! The address of a server, and whether one that cannot be connected to ever could.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::str::FromStr;
use std::time::Duration;

/// How long a try may take for each address of the name.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest name that the domain name system has, and the longest part of one.
const LONGEST: usize = 253;
const LONGEST_PART: usize = 63;

/// A host and a port, of a form that something could have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    host: String,
    port: u16,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = text
            .rsplit_once(':')
            .ok_or("the port is missing: write HOST:PORT")?;
        let port = match port.parse() {
            Ok(port) if port > 0 => port,
            _ => {
                return Err(format!(
                    "{port:?} is no port: a number from 1 to 65535 is wanted"
                ));
            }
        };
        let host = match host.strip_prefix('[') {
            Some(rest) => check_ipv6(rest)?,
            None if host.contains(':') => {
                return Err("write an IPv6 address in brackets: [ADDRESS]:PORT".to_owned());
            }
            None => check_name(host)?,
        };
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

/// What stands in brackets, without the second.
fn check_ipv6(rest: &str) -> Result<&str, String> {
    let address = rest.strip_suffix(']').unwrap_or_default();
    // The part behind `%` says by which of this machine's networks.
    let (number, _) = address.split_once('%').unwrap_or((address, ""));
    match number.parse::<Ipv6Addr>() {
        Ok(_) => Ok(address),
        Err(_) => Err(format!("\"[{rest}\" is no IPv6 address in brackets")),
    }
}

/// Whether a name can be one, as far as its form says.
fn check_name(name: &str) -> Result<&str, String> {
    let whole = name.strip_suffix('.').unwrap_or(name);
    let is_part = |part: &str| {
        let is_letter =
            |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '%');
        !part.is_empty() && part.len() <= LONGEST_PART && part.chars().all(is_letter)
    };
    if whole.is_empty() {
        return Err("the host is missing: write HOST:PORT".to_owned());
    }
    if whole.len() > LONGEST || !whole.split('.').all(is_part) {
        return Err(format!("{name:?} is no name of a host"));
    }
    Ok(name)
}

impl Address {
    /// Connects to the first of the name's addresses that can be connected to.
    pub(crate) fn connect(&self) -> Result<(), Refused> {
        let addresses = (self.host.as_str(), self.port)
            .to_socket_addrs()
            .map_err(|error| Refused::unknown(self, &error))?;
        let mut last = None;
        // Of several addresses, one that may come up is enough to go on.
        for address in addresses {
            let refused = match connect(address) {
                Ok(()) => return Ok(()),
                Err(refused) => refused,
            };
            if refused.may_change(false) || last.is_none() {
                last = Some(refused);
            }
        }
        Err(last.unwrap_or_else(|| {
            let error = io::Error::other("the name has no address");
            Refused::new(Hope::WithTheName, error)
        }))
    }

    /// Whether the host is written as a number, or is a name that never stands for anything.
    fn is_literal(&self) -> bool {
        let host = self.host.strip_suffix('.').unwrap_or(&self.host);
        let last = host.rsplit('.').next().unwrap_or_default();
        let is_number = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
        host.contains(':') || is_number || last.eq_ignore_ascii_case("invalid")
    }
}

fn connect(address: SocketAddr) -> Result<(), Refused> {
    let is_for_many = match address.ip() {
        IpAddr::V4(ip) => ip.is_multicast() || ip == Ipv4Addr::BROADCAST,
        IpAddr::V6(ip) => ip.is_multicast(),
    };
    if is_for_many {
        let error = io::Error::other(format!("{} is the address of no one server", address.ip()));
        return Err(Refused::new(Hope::None, error));
    }
    match TcpStream::connect_timeout(&address, PATIENCE) {
        Ok(_) => Ok(()),
        Err(error) => Err(Refused::new(hope(&error), error)),
    }
}

/// Whether a connection that failed so may be made later. A network or a server that is not there may
/// come; what the system calls wrong or forbids stays so.
fn hope(error: &io::Error) -> Hope {
    match error.kind() {
        io::ErrorKind::InvalidInput
        | io::ErrorKind::PermissionDenied
        | io::ErrorKind::Unsupported => Hope::None,
        _ => Hope::Always,
    }
}

/// What could make an address one that can be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hope {
    None,
    /// Somebody is given the name.
    WithTheName,
    Always,
}

/// Why an address could not be connected to.
#[derive(Debug)]
pub(crate) struct Refused {
    hope: Hope,
    error: io::Error,
}

impl Refused {
    fn new(hope: Hope, error: io::Error) -> Self {
        Self { hope, error }
    }

    /// The address could not be looked up.
    fn unknown(address: &Address, error: &io::Error) -> Self {
        let text = error.to_string();
        // The resolver's codes are not to be had, only its words, which no language setting changes
        // here: those of glibc and others for "not now", which is said of servers that do not answer.
        let is_for_now = text.contains("emporary failure") || text.contains("ry again");
        let hope = match (address.is_literal(), is_for_now, error.raw_os_error()) {
            (true, ..) => Hope::None,
            (false, true, _) | (false, _, Some(_)) => Hope::Always,
            (false, false, None) => Hope::WithTheName,
        };
        let error = io::Error::other(format!("{}: {text}", address.host));
        Self::new(hope, error)
    }

    /// The thread that was to connect has not done so.
    pub(crate) fn lost(error: impl Error + Send + Sync + 'static) -> Self {
        Self::new(Hope::Always, io::Error::other(error))
    }

    /// Whether it may go better later; the name being known then is hoped for where `names` says so.
    pub(crate) fn may_change(&self, names: bool) -> bool {
        match self.hope {
            Hope::None => false,
            Hope::WithTheName => names,
            Hope::Always => true,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Refused {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_server_can_have_is_refused_as_it_is_read() {
        for (text, why) in [
            ("localhost", "the port is missing"),
            ("localhost:", "\"\" is no port"),
            ("localhost:http", "\"http\" is no port"),
            ("localhost:0", "\"0\" is no port"),
            ("localhost:65536", "\"65536\" is no port"),
            (":80", "the host is missing"),
            ("::1:80", "in brackets"),
            ("http://localhost:80", "in brackets"),
            ("[nonsense]:80", "no IPv6 address"),
            ("[::1:80", "no IPv6 address"),
            ("a b:80", "\"a b\" is no name of a host"),
            ("a..b:80", "\"a..b\" is no name of a host"),
            ("a/b:80", "\"a/b\" is no name of a host"),
        ] {
            let refused = text.parse::<Address>().unwrap_err();
            assert!(refused.contains(why), "{text}: {refused}");
        }
        for text in ["localhost:80", "a-b.example.:1", "[::1]:65535", "127.1:9"] {
            assert!(text.parse::<Address>().is_ok(), "{text}");
        }
    }

    #[test]
    fn an_address_that_can_never_be_is_known_without_waiting() {
        for text in [
            "999.1.1.1:80",
            "no-such.invalid:80",
            "255.255.255.255:80",
            "224.0.0.1:80",
        ] {
            let refused = text.parse::<Address>().unwrap().connect().unwrap_err();
            assert!(!refused.may_change(true), "{text}: {refused}");
        }
    }

    #[test]
    fn an_unknown_name_is_hoped_for_on_request_and_a_resolver_that_is_away_always() {
        let address = "db:80".parse::<Address>().unwrap();
        let refused = |text: &str| Refused::unknown(&address, &io::Error::other(text));
        let unknown = refused("failed to lookup address information: Name or service not known");
        assert!(!unknown.may_change(false) && unknown.may_change(true));
        let away = "failed to lookup address information: Temporary failure in name resolution";
        assert!(refused(away).may_change(false));
    }

    #[test]
    fn nobody_listening_may_change() {
        for (kind, changes) in [
            (io::ErrorKind::ConnectionRefused, true),
            (io::ErrorKind::TimedOut, true),
            (io::ErrorKind::NetworkUnreachable, true),
            (io::ErrorKind::PermissionDenied, false),
            (io::ErrorKind::InvalidInput, false),
        ] {
            assert_eq!(hope(&kind.into()) == Hope::Always, changes, "{kind}");
        }
    }
}
