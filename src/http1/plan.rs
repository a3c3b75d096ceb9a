//! What follows a head: which body, whether HTTP ends here, whether another message may come.
//!
//! The order of the decisions is llhttp's, with the answers filled in that Node's JavaScript gives
//! from `parserOnIncoming` and `parserOnIncomingClient`.

use super::config::{Lenient, Role};
use super::head::{CONNECT, Framing, Head};
use super::meaning::Meaning;

/// What the next final response answers; the response itself does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expect {
    #[default]
    Normal,
    /// Has no body, whatever its fields say.
    Head,
    /// Switches to raw, whatever its status is: so does Node's client.
    Connect,
}

/// What to do with a request that asks to leave HTTP. CONNECT is not asked, it leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Upgrades {
    /// Take it as a plain request.
    #[default]
    Ignore,
    Accept,
    /// Stop behind the head until the owner has decided.
    Ask,
}

/// What the owner of a parser has told it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    pub role: Role,
    pub lenient: Lenient,
    pub expect: Expect,
    pub upgrades: Upgrades,
}

/// The parts of a head that decide about keep-alive once more when the message ends (trailers
/// may hold `Connection: close`).
#[derive(Clone, Copy, Debug)]
pub(super) struct Reuse {
    /// HTTP/1.1 or later: persistent unless told otherwise.
    pub persistent: bool,
    /// The status (or HEAD) rules out a body.
    pub bodiless: bool,
}

impl Reuse {
    /// What `llhttp_should_keep_alive` computes.
    #[inline]
    pub(super) fn keep_alive(self, role: Role, meaning: &Meaning) -> bool {
        let wanted = if self.persistent {
            !meaning.close
        } else {
            meaning.keep_alive
        };
        let delimited = role == Role::Request
            || self.bodiless
            || meaning.chunked
            || (meaning.length.is_some() && !meaning.coding);
        wanted && delimited
    }
}

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    Go(Body),
    /// End of HTTP on this connection.
    Switch,
    /// The owner decides between the two.
    Ask(Body),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Framed(Framing),
    /// A request whose body has no end (RFC 9112, 6.3, case 4).
    Endless,
}

impl Policy {
    /// Decides, and completes the head with the decision.
    #[inline]
    pub(super) fn plan(&mut self, meaning: &Meaning, head: &mut Head<'_>) -> (Plan, Reuse) {
        let mut reuse = Reuse {
            persistent: head.major > 0 && head.minor > 0,
            bodiless: false,
        };
        let asks = meaning.upgrade && meaning.connection_upgrade;
        let plan = match self.role {
            Role::Request => {
                head.keep_alive = reuse.keep_alive(self.role, meaning);
                let ask = asks && self.upgrades == Upgrades::Ask;
                if head.code == CONNECT || asks && self.upgrades == Upgrades::Accept {
                    head.upgrade = true;
                    return (Plan::Switch, reuse);
                }
                head.upgrade = ask;
                let body = self.request_body(meaning);
                if ask { Plan::Ask(body) } else { Plan::Go(body) }
            }
            Role::Response => {
                let interim = head.code / 100 == 1;
                reuse.bodiless = interim || matches!(head.code, 204 | 304);
                // Before HEAD comes in: Node closes after a HEAD response without a length.
                head.keep_alive = reuse.keep_alive(self.role, meaning);
                reuse.bodiless |= self.expect == Expect::Head;
                let connect = self.expect == Expect::Connect;
                if !interim || head.code == 101 {
                    self.expect = Expect::Normal;
                }
                head.upgrade = connect || asks && head.code == 101;
                // A 101 that names no protocol ends HTTP too; Node's client drops what follows.
                if connect || head.code == 101 {
                    return (Plan::Switch, reuse);
                }
                Plan::Go(Body::Framed(response_framing(meaning, reuse.bodiless)))
            }
        };
        if let Plan::Go(body) | Plan::Ask(body) = plan {
            head.framing = match body {
                Body::Framed(framing) => framing,
                Body::Endless => Framing::UntilClose,
            };
        }
        (plan, reuse)
    }

    fn request_body(&self, meaning: &Meaning) -> Body {
        Body::Framed(if meaning.chunked {
            Framing::Chunked
        } else if meaning.coding {
            let lenient = self.lenient.has(Lenient::CHUNKED_LENGTH)
                || self.lenient.has(Lenient::TRANSFER_ENCODING);
            if !lenient {
                return Body::Endless;
            }
            Framing::UntilClose
        } else {
            sized(meaning.length.unwrap_or(0))
        })
    }
}

fn response_framing(meaning: &Meaning, bodiless: bool) -> Framing {
    if bodiless {
        Framing::None
    } else if meaning.chunked {
        Framing::Chunked
    } else if meaning.coding {
        Framing::UntilClose
    } else {
        meaning.length.map_or(Framing::UntilClose, sized)
    }
}

fn sized(length: u64) -> Framing {
    match length {
        0 => Framing::None,
        length => Framing::Length(length),
    }
}
