//! The frames of a fork channel do not hang on how its bytes were cut.

#![no_main]

use ferrowire::ipc::{Frames, Serialization};
use libfuzzer_sys::fuzz_target;

/// Small enough to be reached.
const MAX_FRAME: usize = 300;

fn frames<'a>(
    kind: Serialization,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Vec<u8>>, bool) {
    let mut frames = Frames::with_max_frame(kind, MAX_FRAME);
    let mut seen = Vec::new();
    for piece in pieces {
        if frames
            .feed(piece, |frame| seen.push(frame.to_vec()))
            .is_err()
        {
            return (seen, true);
        }
    }
    (seen, false)
}

fuzz_target!(|data: &[u8]| {
    let Some((&kind, stream)) = data.split_first() else {
        return;
    };
    let cut = usize::from(kind >> 1).min(stream.len());
    let kind = match kind & 1 {
        0 => Serialization::Json,
        _ => Serialization::Advanced,
    };
    let whole = frames(kind, [stream]);
    assert!(whole.0.iter().all(|frame| frame.len() <= MAX_FRAME));
    assert_eq!(frames(kind, stream.chunks(1)), whole, "byte by byte");
    let (first, second) = stream.split_at(cut);
    assert_eq!(frames(kind, [first, second]), whole, "cut at {cut}");
    assert_eq!(
        frames(kind, stream.chunks(cut.max(1))),
        whole,
        "every {cut}"
    );
});
