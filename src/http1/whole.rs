//! The short way: a head that lies whole in the input, by httparse.
//!
//! What httparse takes is held against llhttp's stricter rules; a head that breaks one, is split or
//! unusual is left to `scan`, which reads it again from its start. Nothing has been told of it then.

use std::mem::MaybeUninit;

use super::config::{Lenient, Role};
use super::head::{CONNECT, Fields, Framing, Head, Repeats, method_code};
use super::meaning::{Fed, Special};
use super::parse::{Events, Parser};
use super::plan::{Body, Plan};
use super::repeat::Known;
use super::url;

/// Fields that the short way takes; heads with more go through `scan`. Browsers send about 15.
const SHORT_FIELDS: usize = 64;

/// How a head came out.
pub(super) enum Taken {
    /// The message goes on (or ended) here.
    Next(usize),
    Upgraded(usize),
}

impl Parser {
    /// A head that lies whole at the start of `input` and that nothing can be said against.
    /// None sends it the long way.
    #[inline]
    pub(super) fn take_whole(&mut self, input: &[u8], events: &mut impl Events) -> Option<Taken> {
        if self.policy.lenient != Lenient::NONE {
            return None;
        }
        if let Some((known, meaning)) = self.repeat.find(self.policy.role, input)
            && known.used < self.max_head
        {
            self.meaning = meaning;
            return self.tell(&known, Fields::parsed(&[]), events);
        }
        // Not zeroed: httparse fills in as many as there are.
        let mut headers = [const { MaybeUninit::uninit() }; SHORT_FIELDS];
        let parser = httparse::ParserConfig::default();
        let (used, code, minor, target, fields) = match self.policy.role {
            Role::Request => {
                let mut request = httparse::Request::new(&mut []);
                let used = whole(parser.parse_request_with_uninit_headers(
                    &mut request,
                    input,
                    &mut headers,
                ))?;
                let code = method_code(request.method?.as_bytes())?;
                let target = request.path?.as_bytes();
                if !url::accepts(code == CONNECT, target) {
                    return None;
                }
                (used, code, request.version?, target, &*request.headers)
            }
            Role::Response => {
                let mut response = httparse::Response::new(&mut []);
                let used = whole(parser.parse_response_with_uninit_headers(
                    &mut response,
                    input,
                    &mut headers,
                ))?;
                // From the bytes: httparse hides a reason with obs-text, llhttp shows it.
                let line_end = match response.headers.first() {
                    Some(first) => offset(input, first.name.as_bytes()),
                    None => used.checked_sub(2)?,
                };
                let reason = input.get(13..line_end.checked_sub(2)?).unwrap_or(&[]);
                let (code, minor) = (response.code?, response.version?);
                (used, code, minor, reason, &*response.headers)
            }
        };
        if used >= self.max_head || fields.len() > self.max_fields {
            return None;
        }
        if !lines_end_in_crlf(&input[..used], fields) {
            return None;
        }
        if self.read_meaning(input, fields).is_none() {
            self.meaning.reset();
            return None;
        }
        let known = Known {
            used,
            code,
            minor,
            target,
            repeats: Repeats::Nothing,
        };
        self.repeat.keep(&known, input, fields.len(), &self.meaning);
        self.tell(&known, Fields::parsed(fields), events)
    }

    /// Tells of a head and goes on behind it.
    #[inline]
    fn tell(
        &mut self,
        known: &Known<'_>,
        fields: Fields<'_>,
        events: &mut impl Events,
    ) -> Option<Taken> {
        let mut head = Head {
            code: known.code,
            target: known.target,
            major: 1,
            minor: known.minor,
            keep_alive: false,
            upgrade: false,
            framing: Framing::None,
            fields,
            repeats: known.repeats,
        };
        let (plan, reuse) = self.policy.plan(&self.meaning, &mut head);
        if plan == Plan::Go(Body::Endless) {
            self.meaning.reset();
            return None;
        }
        self.reuse = reuse;
        events.head(&head);
        Some(match self.follow(plan, events) {
            true => Taken::Upgraded(known.used),
            false => Taken::Next(known.used),
        })
    }

    /// Finds the framing fields of a head that httparse took.
    #[inline]
    fn read_meaning(&mut self, input: &[u8], fields: &[httparse::Header<'_>]) -> Option<()> {
        for field in fields {
            let Some(special) = Special::of(field.name.as_bytes()) else {
                continue;
            };
            self.meaning.name(Some(special)).ok()?;
            if field.value.is_empty() {
                self.meaning.empty().ok()?;
                continue;
            }
            // Up to the end of the input and not of the value: blanks after a value count in
            // llhttp, and the CR ends it.
            let start = offset(input, field.value);
            self.meaning.value(start).ok()?;
            match self.meaning.feed(input, start).ok()? {
                Fed::More => return None,
                Fed::Plain(_) | Fed::End(_) => self.meaning.end(),
            }
        }
        Some(())
    }
}

/// A partial head and a refused one are alike here: both are for `scan`.
fn whole(result: httparse::Result<usize>) -> Option<usize> {
    match result {
        Ok(httparse::Status::Complete(used)) => Some(used),
        _ => None,
    }
}

/// Where a sub-slice of the input starts.
pub(super) fn offset(input: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr() - input.as_ptr().addr()
}

/// httparse takes a bare LF for a line end, llhttp does not. Only the two bytes before each name
/// and the last four of the head need a look: CR and LF occur nowhere else in what it took.
#[inline]
fn lines_end_in_crlf(head: &[u8], fields: &[httparse::Header<'_>]) -> bool {
    head.ends_with(b"\r\n\r\n")
        && fields.iter().all(|field| {
            let start = offset(head, field.name.as_bytes());
            start >= 2 && head[start - 2] == b'\r'
        })
}
