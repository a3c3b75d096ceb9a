//! What the targets share: how an input chooses a connection, and a log of what its parser tells.

use ferrowire::http1::{
    ALL_METHODS, Config, Events, Expect, Fields, Head, Lenient, Outcome, ParseError, Parser, Role,
};
use std::fmt::Write;

/// One connection, chosen by the first three bytes of an input.
#[derive(Clone, Copy)]
pub struct Connection {
    pub role: Role,
    pub expect: Expect,
    /// A server that follows an `Upgrade` field.
    pub upgrades: bool,
    pub lenient_bits: u16,
}

impl Connection {
    /// The connection, and the bytes that come over it.
    pub fn split(data: &[u8]) -> Option<(Self, &[u8])> {
        let (&[kind, low, high], rest) = data.split_first_chunk()?;
        let (role, expect) = match kind & 3 {
            0 | 1 => (Role::Request, Expect::Normal),
            2 => (Role::Response, Expect::Normal),
            _ if kind & 8 == 0 => (Role::Response, Expect::Head),
            _ => (Role::Response, Expect::Connect),
        };
        // Mostly strict, as servers and clients are.
        let lenient_bits = match kind & 0x30 {
            0x30 => u16::from_le_bytes([low, high]) & 0x7ff,
            _ => 0,
        };
        let upgrades = kind & 1 == 1;
        let connection = Self {
            role,
            expect,
            upgrades,
            lenient_bits,
        };
        Some((connection, rest))
    }

    pub fn parser(self) -> Parser {
        let config = Config {
            max_fields: usize::MAX,
            lenient_flags: Lenient::from_bits(u32::from(self.lenient_bits)),
            ..Config::default()
        };
        let mut parser = Parser::new(self.role, config);
        parser.expect(self.expect);
        parser.allow_upgrade(self.upgrades && self.role == Role::Request);
        parser
    }
}

/// What a parser told, a line each. Pieces of a body that follow each other are one.
pub struct Log {
    role: Role,
    pub text: String,
    in_body: bool,
}

impl Log {
    pub fn new(role: Role) -> Self {
        Self {
            role,
            text: String::new(),
            in_body: false,
        }
    }

    fn line(&mut self, arguments: std::fmt::Arguments<'_>) {
        if std::mem::take(&mut self.in_body) {
            self.text.push('\n');
        }
        self.text
            .write_fmt(arguments)
            .expect("strings take everything");
        self.text.push('\n');
    }

    /// The end of HTTP, behind `consumed` bytes of the last input.
    pub fn upgraded(&mut self) {
        self.line(format_args!("raw"));
    }

    pub fn ended(&mut self, end: Result<(), ParseError>) {
        match end {
            Ok(()) => self.line(format_args!("eof")),
            Err(error) => self.line(format_args!("{error}")),
        }
    }
}

fn list(fields: Fields<'_>) -> String {
    fields
        .map(|(name, value)| format!("{}={};", name.escape_ascii(), value.escape_ascii()))
        .collect()
}

impl Events for Log {
    fn head(&mut self, head: &Head<'_>) {
        let start = match self.role {
            Role::Request => ALL_METHODS[usize::from(head.code)].to_string(),
            Role::Response => head.code.to_string(),
        };
        self.line(format_args!(
            "{start} {} {}.{}{}{} {}",
            head.target.escape_ascii(),
            head.major,
            head.minor,
            if head.keep_alive { " keep" } else { "" },
            if head.upgrade { " up" } else { "" },
            list(head.fields.clone()),
        ));
    }

    fn body(&mut self, chunk: &[u8]) {
        assert!(!chunk.is_empty());
        if !std::mem::replace(&mut self.in_body, true) {
            self.text.push_str("body ");
        }
        write!(self.text, "{}", chunk.escape_ascii()).expect("strings take everything");
    }

    fn end(&mut self, trailers: Fields<'_>) {
        self.line(format_args!("end {}", list(trailers)));
    }
}

/// Feeds the pieces and the end of input.
pub fn feed<'a>(connection: Connection, pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut parser = connection.parser();
    let mut log = Log::new(connection.role);
    for piece in pieces {
        match parser.execute(piece, &mut log) {
            Ok(Outcome::More) => {}
            Ok(Outcome::Upgraded { consumed }) => {
                assert!(consumed <= piece.len());
                log.upgraded();
                return log.text;
            }
            Err(error) => {
                assert!(error.at <= piece.len());
                let again = parser.execute(b"x", &mut log);
                assert_eq!(again.map_err(|error| error.kind), Err(error.kind));
                log.ended(Err(error));
                return log.text;
            }
        }
    }
    let end = parser.finish(&mut log);
    log.ended(end);
    log.text
}
