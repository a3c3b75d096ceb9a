//! The numbers that Rust and JavaScript share: kinds of records, bits of a head's `info`, what is told of the message that
//! comes. js/internal/records.js has the same.

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $kind:ident = $number:literal,)*) => {
        /// Kinds of records, and what the four ints behind kind and id are.
        #[repr(i32)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $($(#[doc = $doc])* $kind = $number,)*
        }

        #[cfg(test)]
        const KINDS: &[Kind] = &[$(Kind::$kind),*];
    };
}

kinds! {
    /// offset, length
    Data = 0,
    /// buffer number, length, bytes of the same read that the next record brings
    DataOwned = 1,
    /// status: 0 is the end of the stream, negative an error
    End = 2,
    Writable = 3,
    /// status
    Shutdown = 4,
    /// status
    Connect = 5,
    /// new id or negative status
    Connection = 6,
    Closed = 7,
    /// offset, length, where in a spill it starts
    Frame = 8,
    /// offset, length, info, method or status
    Head = 9,
    /// offset, length
    Body = 10,
    /// offset, length of the trailers
    MessageEnd = 11,
    /// offset, length of the left-over bytes
    Upgrade = 12,
    /// error number, bytes parsed, offset, length of the raw packet
    ParseError = 13,
    /// the read ended inside an HTTP head, or brought a client nothing but line ends
    Partial = 14,
    /// descriptors that no message has claimed are void but for the newest: their number
    Unclaimed = 15,
    /// buffer number, length
    BodyOwned = 16,
}

macro_rules! numbers {
    ($group:ident: $($(#[doc = $doc:literal])* $name:ident = $number:expr,)*) => {
        $($(#[doc = $doc])* pub const $name: i32 = $number;)*

        #[cfg(test)]
        const $group: &[(&str, i32)] = &[$((stringify!($name), $name)),*];
    };
}

// Of a head's `info`; the lowest sixteen bits are its version.
numbers! {
    INFO:
    IS_KEPT_ALIVE = 1 << 16,
    IS_UPGRADE = 1 << 17,
    HAS_BODY = 1 << 18,
    /// What ends the body is the end of the stream.
    UNTIL_CLOSE = 1 << 19,
    HAS_HOST = 1 << 20,
    HAS_EXPECT = 1 << 21,
    /// A request that is only a head: its end is told with it.
    ENDED = 1 << 22,
    /// As many fields as Node's parser hands over before a head is complete.
    FLUSHED = 1 << 23,
    /// The fields are those of the last head that came with any.
    REPEATS_FIELDS = 1 << 24,
    /// So is what is in front of them.
    REPEATS_ALL = 1 << 25,
}

// What `httpExpect` says.
numbers! {
    EXPECTED:
    /// The next response answers HEAD.
    EXPECT_HEAD = 1,
    /// The next response answers CONNECT.
    EXPECT_CONNECT = 2,
    /// Stop at a request to leave HTTP.
    ASK_UPGRADE = 4,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screaming(name: &str) -> String {
        let mut out = String::new();
        for c in name.chars() {
            if c.is_uppercase() && !out.is_empty() {
                out.push('_');
            }
            out.push(c.to_ascii_uppercase());
        }
        out
    }

    /// `NAME: 1 << 2,` or `NAME: 3,`
    fn entry(line: &str) -> Option<(String, i32)> {
        let (name, value) = line.trim().strip_suffix(',')?.split_once(": ")?;
        let value = match value.split_once(" << ") {
            Some((one, shift)) => one.parse::<i32>().ok()? << shift.parse::<i32>().ok()?,
            None => value.parse().ok()?,
        };
        Some((name.to_owned(), value))
    }

    #[test]
    fn javascript_has_the_same_numbers() {
        let kinds = KINDS
            .iter()
            .map(|&kind| (screaming(&format!("{kind:?}")), kind as i32));
        let others = INFO.iter().chain(EXPECTED);
        let ours: Vec<_> = kinds
            .chain(others.map(|&(name, number)| (name.to_owned(), number)))
            .collect();
        let theirs: Vec<_> = include_str!("../js/internal/records.js")
            .lines()
            .filter_map(entry)
            .collect();
        assert_eq!(ours, theirs);
    }
}
