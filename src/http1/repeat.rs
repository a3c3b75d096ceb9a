//! A head that says the same as the one before it.
//!
//! A client that keeps its connection sends the same fields again and again, byte for byte; often only the request line is
//! another, sometimes not even that. The same holds for the responses of a busy server within one second. What was found
//! in those bytes once holds again, so they are only compared, and whoever is told of the head may keep the fields it has.

use super::config::Role;
use super::head::{CONNECT, Repeats, method_code};
use super::meaning::Meaning;
use super::url;
use super::whole::offset;

/// Longer heads are not kept: every idle connection would hold one.
const KEPT_MAX: usize = 2 * 1024;
/// Node tells longer lists in pieces, with consequences of their own.
const FIELDS_MAX: usize = 31;
/// So many heads in a row that were not repeated show that this peer does not.
const MISSES_MAX: u8 = 16;

/// What is known of a head without reading its fields.
pub(super) struct Known<'a> {
    pub used: usize,
    pub code: u16,
    pub minor: u8,
    pub target: &'a [u8],
    pub repeats: Repeats,
}

/// The last head that did not repeat its predecessor. Without a text there is none.
#[derive(Default)]
pub(super) struct Repeat {
    /// The owner wants repeats to be told.
    enabled: bool,
    text: Vec<u8>,
    /// Where the first line ends and the fields begin.
    fields: usize,
    /// Of the target, or of a response's reason, in the text.
    target: (usize, usize),
    code: u16,
    minor: u8,
    meaning: Option<Meaning>,
    misses: u8,
}

impl Repeat {
    pub(super) fn enable(&mut self) {
        self.enabled = true;
    }

    /// A head that is not kept has come.
    pub(super) fn forget(&mut self) {
        self.text.clear();
    }

    /// Forgets the head, and keeps none from now on.
    pub(super) fn disable(&mut self) {
        *self = Self::default();
    }

    /// Keeps a head that has been read. Not the first of a connection: that is often the only one.
    pub(super) fn keep(
        &mut self,
        known: &Known<'_>,
        input: &[u8],
        fields: usize,
        meaning: &Meaning,
    ) {
        self.forget();
        if !self.enabled || known.used > KEPT_MAX || fields > FIELDS_MAX {
            return;
        }
        if self.misses == MISSES_MAX {
            return self.disable();
        }
        self.misses += 1;
        if self.misses == 1 {
            return;
        }
        let head = &input[..known.used];
        let Some(line_end) = memchr::memchr(b'\n', head) else {
            return;
        };
        // A reason that is not there lies nowhere.
        let start = match known.target {
            [] => 0,
            target => offset(input, target),
        };
        self.text.extend_from_slice(head);
        self.fields = line_end + 1;
        self.target = (start, start + known.target.len());
        self.code = known.code;
        self.minor = known.minor;
        self.meaning = Some(*meaning);
    }

    /// The head at the start of `input`, if it repeats the one before, and what its fields mean.
    #[inline]
    pub(super) fn find<'a>(&mut self, role: Role, input: &'a [u8]) -> Option<(Known<'a>, Meaning)> {
        if self.text.is_empty() {
            return None;
        }
        let meaning = self.meaning?;
        let known = if input.starts_with(&self.text) {
            let (start, end) = self.target;
            Known {
                used: self.text.len(),
                code: self.code,
                minor: self.minor,
                target: input.get(start..end)?,
                repeats: Repeats::All,
            }
        } else {
            if role == Role::Response {
                return None;
            }
            let fields = &self.text[self.fields..];
            let line_end = memchr::memchr(b'\n', input)?;
            if !input[line_end + 1..].starts_with(fields) {
                return None;
            }
            let (code, target, minor) = request_line(&input[..line_end])?;
            Known {
                used: line_end + 1 + fields.len(),
                code,
                minor,
                target,
                repeats: Repeats::Fields,
            }
        };
        self.misses = 1;
        Some((known, meaning))
    }
}

/// A request line without its LF, as method, target and minor version. None for what is not plain.
#[inline]
fn request_line(line: &[u8]) -> Option<(u16, &[u8], u8)> {
    let (line, minor) = match line.split_last_chunk::<10>()? {
        (rest, b" HTTP/1.1\r") => (rest, 1),
        (rest, b" HTTP/1.0\r") => (rest, 0),
        _ => return None,
    };
    let blank = memchr::memchr(b' ', line)?;
    let (name, target) = (&line[..blank], &line[blank + 1..]);
    let code = method_code(name)?;
    let plain = !target.is_empty() && target.iter().all(|c| matches!(c, 0x21..=0x7e));
    (plain && url::accepts(code == CONNECT, target)).then_some((code, target, minor))
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Events, Fields, Head, Outcome, Parser};
    use super::*;

    type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

    /// Writes events down as if nothing had been left out.
    #[derive(Default)]
    struct Log {
        entries: Vec<String>,
        last: (Vec<u8>, Pairs),
        repeats: [usize; 3],
    }

    impl Events for Log {
        fn head(&mut self, head: &Head<'_>) {
            self.repeats[head.repeats as usize] += 1;
            if head.repeats == Repeats::Nothing {
                let pairs = head.fields.clone();
                let pairs = pairs.map(|(name, value)| (name.to_vec(), value.to_vec()));
                self.last = (head.target.to_vec(), pairs.collect());
            }
            let (target, fields) = &self.last;
            let target = match head.repeats {
                Repeats::Fields => head.target,
                _ => target,
            };
            self.entries.push(format!(
                "{} {} {}.{} {} {} {:?} {fields:?}",
                head.code,
                target.escape_ascii(),
                head.major,
                head.minor,
                head.keep_alive,
                head.upgrade,
                head.framing,
            ));
        }

        fn body(&mut self, chunk: &[u8]) {
            self.entries.push(chunk.escape_ascii().to_string());
        }

        fn end(&mut self, trailers: Fields<'_>) {
            self.entries.push(format!("end {}", trailers.len()));
        }
    }

    fn run(role: Role, tell: bool, inputs: &[&[u8]]) -> Log {
        let mut parser = Parser::new(role, Config::default());
        parser.tell_repeats(tell);
        let mut log = Log::default();
        for input in inputs {
            match parser.execute(input, &mut log) {
                Ok(Outcome::More) => continue,
                Ok(Outcome::Upgraded { consumed }) => log.entries.push(format!("raw {consumed}")),
                Err(error) => log.entries.push(format!("{error:?}")),
            }
            break;
        }
        log
    }

    fn equal(role: Role, inputs: &[&[u8]]) -> [usize; 3] {
        let told = run(role, true, inputs);
        let given = run(role, false, inputs);
        assert_eq!(told.entries, given.entries);
        told.repeats
    }

    const LINES: [&str; 12] = [
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\n",
        "GET /other?a=b HTTP/1.1\r\n",
        "POST / HTTP/1.1\r\n",
        "HEAD /a%20b HTTP/1.0\r\n",
        "GET http://a/b#c HTTP/1.1\r\n",
        "OPTIONS * HTTP/1.1\r\n",
        "CONNECT a:1 HTTP/1.1\r\n",
        "GET /\x7f HTTP/1.1\r\n",
        "get / HTTP/1.1\r\n",
        "GET /a b HTTP/1.1\n",
    ];

    const SECTIONS: [&str; 8] = [
        "Host: a\r\n\r\n",
        "Host: a\r\n\r\n",
        "Host: a\r\nUser-Agent: b\r\n\r\n",
        "Host: a\r\nContent-Length: 3\r\n\r\nabc",
        "Host: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: y\r\n\r\n",
        "Host: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        "Connection: keep-alive\r\nHost: a\r\n\r\n",
        "\r\n",
    ];

    /// A small generator of numbers: the same ones each time.
    fn numbers(seed: u64) -> impl FnMut(usize) -> usize {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        move |below| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 33) as usize % below
        }
    }

    #[test]
    fn what_is_left_out_can_be_filled_in() {
        let mut repeats = [0; 3];
        for seed in 1..2000 {
            let mut next = numbers(seed);
            // Few lines and sections at a time, so that they meet again; refused lines late.
            let (lines, sections) = (2 + next(LINES.len() - 2), 1 + next(SECTIONS.len()));
            let heads: Vec<String> = (0..12)
                .map(|_| [LINES[next(lines)], SECTIONS[next(sections)]].concat())
                .collect();
            let stream = heads.concat();
            let whole: Vec<&[u8]> = heads.iter().map(String::as_bytes).collect();
            let cut = next(stream.len());
            let (first, second) = stream.as_bytes().split_at(cut);
            for counts in [
                equal(Role::Request, &whole),
                equal(Role::Request, &[stream.as_bytes()]),
                equal(Role::Request, &[first, second]),
            ] {
                (0..3).for_each(|i| repeats[i] += counts[i]);
            }
        }
        assert!(repeats.iter().all(|&count| count > 1000), "{repeats:?}");
    }

    #[test]
    fn responses_repeat_whole_or_not_at_all() {
        let ok: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab";
        let other: &[u8] = b"HTTP/1.1 201 OK\r\nContent-Length: 2\r\n\r\nab";
        let counts = equal(Role::Response, &[ok, ok, ok, ok, other, other, other, ok]);
        assert_eq!(counts, [4, 0, 4]);
        for line in [
            "HTTP/1.1 200",
            "HTTP/1.1 200 ",
            "HTTP/1.0 200 A b",
            "HTTP/1.1 204",
        ] {
            for fields in ["", "Content-Length: 0\r\n", "Connection: keep-alive\r\n"] {
                let head = format!("{line}\r\n{fields}\r\n");
                equal(Role::Response, &[head.as_bytes(); 5]);
            }
        }
        assert_eq!(
            equal(Role::Response, &[&b"HTTP/1.1 204\r\n\r\n"[..]; 5]),
            [2, 0, 3]
        );
    }

    #[test]
    fn a_peer_that_never_repeats_is_given_up() {
        let mut parser = Parser::new(Role::Request, Config::default());
        parser.tell_repeats(true);
        let mut log = Log::default();
        for i in 0..40 {
            let head = format!("GET / HTTP/1.1\r\nHost: {i}\r\n\r\n");
            let _ = parser.execute(head.as_bytes(), &mut log);
        }
        assert!(!parser.repeat.enabled);
    }
}
