//! What a parser tells of a stream does not hang on how that was cut, nor on whether bodies pass by it.

#![no_main]

use ferrowire::http1::Outcome;
use ferrowire_fuzz::{Connection, Log, feed};
use libfuzzer_sys::fuzz_target;

/// The stream in pieces whose lengths the stream itself gives.
fn pieces(mut stream: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while let Some(&first) = stream.first() {
        let len = usize::from(first % 13 + 1).min(stream.len());
        let (piece, rest) = stream.split_at(len);
        pieces.push(piece);
        stream = rest;
    }
    pieces
}

/// A byte at a time, and bodies past the parser.
fn past(connection: Connection, mut stream: &[u8]) -> String {
    let mut parser = connection.parser();
    let mut log = Log::new(connection.role);
    while !stream.is_empty() {
        let ahead = usize::try_from(parser.body_ahead()).unwrap_or(usize::MAX);
        let passed = ahead.min(stream.len());
        let (piece, rest) = stream.split_at(passed.max(1));
        stream = rest;
        if passed > 0 {
            ferrowire::http1::Events::body(&mut log, piece);
            parser.pass_body(passed as u64, &mut log);
            continue;
        }
        match parser.execute(piece, &mut log) {
            Ok(Outcome::More) => {}
            Ok(Outcome::Upgraded { .. }) => {
                log.upgraded();
                return log.text;
            }
            Err(error) => {
                log.ended(Err(error));
                return log.text;
            }
        }
    }
    let end = parser.finish(&mut log);
    log.ended(end);
    log.text
}

fuzz_target!(|data: &[u8]| {
    let Some((connection, stream)) = Connection::split(data) else {
        return;
    };
    // Limits count what is there when they are asked, and that hangs on the cuts.
    if stream.len() > 8 * 1024 {
        return;
    }
    let whole = feed(connection, [stream]);
    assert_eq!(feed(connection, stream.chunks(1)), whole, "byte by byte");
    assert_eq!(feed(connection, pieces(stream)), whole, "in pieces");
    assert_eq!(past(connection, stream), whole, "bodies pass by");
});
