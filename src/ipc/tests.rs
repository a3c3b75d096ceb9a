//! Frames of both formats: cut at every place, over the limit, read in place.

use super::*;

/// Every frame of `input`, fed in pieces of the given lengths and then the rest.
fn frames(kind: Serialization, input: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let mut frames = Frames::new(kind);
    let mut seen = Vec::new();
    let mut rest = input;
    for &cut in cuts {
        let (head, tail) = rest.split_at(cut);
        frames
            .feed(head, |frame| seen.push(frame.to_vec()))
            .expect("within the limit");
        rest = tail;
    }
    frames
        .feed(rest, |frame| seen.push(frame.to_vec()))
        .expect("within the limit");
    seen
}

/// Both formats, cut once at every place, twice at every pair of places, and byte by byte.
fn same_however_split(kind: Serialization, input: &[u8], expected: &[&[u8]]) {
    assert_eq!(frames(kind, input, &[]), expected);
    for first in 0..=input.len() {
        assert_eq!(frames(kind, input, &[first]), expected, "cut at {first}");
        for second in 0..=input.len() - first {
            assert_eq!(
                frames(kind, input, &[first, second]),
                expected,
                "cut at {first} and {second} bytes later"
            );
        }
    }
    assert_eq!(frames(kind, input, &vec![1; input.len()]), expected);
}

#[test]
fn json_lines_survive_every_split() {
    same_however_split(
        Serialization::Json,
        "{\"a\":1}\n\"zwölf ☃ 𝄞\"\n\n17\r\nnull\n".as_bytes(),
        &[
            b"{\"a\":1}",
            "\"zwölf ☃ 𝄞\"".as_bytes(),
            b"",
            b"17\r",
            b"null",
        ],
    );
}

#[test]
fn advanced_frames_survive_every_split() {
    same_however_split(
        Serialization::Advanced,
        b"\0\0\0\x03abc\0\0\0\0\0\0\0\x01\n\0\0\0\x05hello",
        &[b"abc", b"", b"\n", b"hello"],
    );
}

#[test]
fn an_unfinished_frame_is_kept_and_told() {
    for (kind, head, tail, whole) in [
        (
            Serialization::Json,
            &b"[1,"[..],
            &b"2]\n"[..],
            &b"[1,2]"[..],
        ),
        (Serialization::Advanced, b"\0\0", b"\0\x02hi", b"hi"),
    ] {
        let mut frames = Frames::new(kind);
        let mut seen = Vec::new();
        assert!(!frames.in_frame());
        frames.feed(head, |_| panic!("no frame ends here")).unwrap();
        assert!(frames.in_frame());
        frames
            .feed(tail, |frame| seen.push(frame.to_vec()))
            .unwrap();
        assert!(!frames.in_frame());
        assert_eq!(seen, [whole]);
    }
}

#[test]
fn a_whole_frame_is_not_copied() {
    for (kind, input) in [
        (Serialization::Json, &b"12345\n678\n"[..]),
        (Serialization::Advanced, b"\0\0\0\x05abcde\0\0\0\x01f"),
    ] {
        let range = input.as_ptr_range();
        let mut frames = Frames::new(kind);
        frames
            .feed(input, |frame| assert!(range.contains(&frame.as_ptr())))
            .unwrap();
        assert_eq!(frames.partial.capacity(), 0);
    }
}

#[test]
fn the_buffer_is_reused_and_shrinks_after_a_giant() {
    let mut line = vec![b'x'; 4 * KEEP_CAPACITY];
    line.push(b'\n');
    let mut length = ((line.len()) as u32).to_be_bytes().to_vec();
    length.extend_from_slice(&line);
    for (kind, message, frame_len) in [
        (Serialization::Json, &line, line.len() - 1),
        (Serialization::Advanced, &length, line.len()),
    ] {
        let mut frames = Frames::new(kind);
        let mut seen = 0;
        for _ in 0..2 {
            for piece in message.chunks(65_536) {
                frames
                    .feed(piece, |frame| {
                        assert_eq!(frame.len(), frame_len);
                        seen += 1;
                    })
                    .unwrap();
            }
        }
        assert_eq!(seen, 2);
        assert!(frames.partial.capacity() <= KEEP_CAPACITY);
    }
}

#[test]
fn a_frame_over_the_limit_ends_the_channel_after_the_good_ones() {
    for (kind, input) in [
        (Serialization::Json, &b"ok\n123456789"[..]),
        (Serialization::Json, b"ok\n123456789\nok\n"),
        (Serialization::Advanced, b"\0\0\0\x02ok\0\0\0\x09"),
        (Serialization::Advanced, b"\0\0\0\x02ok\xff\xff\xff\xff"),
    ] {
        for piece in 1..=input.len() {
            let mut frames = Frames::with_max_frame(kind, 8);
            let mut seen = Vec::new();
            let fed: Vec<_> = input
                .chunks(piece)
                .map(|bytes| frames.feed(bytes, |frame| seen.push(frame.to_vec())))
                .collect();
            assert_eq!(seen, [b"ok"], "{kind:?} in pieces of {piece}");
            assert_eq!(fed.last(), Some(&Err(FrameError { limit: 8 })));
            assert_eq!(frames.feed(b"1\n", |_| panic!()).unwrap_err().limit(), 8);
            assert!(!frames.in_frame());
        }
    }
}

#[test]
fn a_long_frame_is_read_in_place() {
    let long = vec![b'x'; 3 * TAIL_MAX];
    let mut json = long.clone();
    json.extend_from_slice(b"\n\"next\"\n\"beg");
    let mut advanced = (long.len() as u32).to_be_bytes().to_vec();
    advanced.extend_from_slice(&long);
    for (kind, input) in [
        (Serialization::Json, json),
        (Serialization::Advanced, advanced),
    ] {
        for step in [20_000, 70_000, usize::MAX] {
            let mut frames = Frames::new(kind);
            let (first, mut rest) = input.split_at(TAIL_MIN + 10);
            frames.feed(first, |_| panic!("not yet")).unwrap();
            let tail = loop {
                let room = frames.tail().expect("a long frame");
                let len = room.len().min(step).min(rest.len());
                room[..len].copy_from_slice(&rest[..len]);
                rest = &rest[len..];
                let room = room.len();
                if let Some(tail) = frames.fill_tail(room, len).unwrap() {
                    break tail;
                }
            };
            assert_eq!(&tail.bytes[tail.start..], &long);
            assert!(frames.tail().is_none() && !frames.in_frame());
            let mut seen = Vec::new();
            for bytes in [&tail.rest, rest] {
                let fed = frames.feed(bytes, |frame| seen.push(frame.to_vec()));
                fed.unwrap();
            }
            match kind {
                Serialization::Json => assert_eq!(seen, [b"\"next\""]),
                Serialization::Advanced => assert!(seen.is_empty()),
            }
        }
    }
}

#[test]
fn a_long_frame_has_the_same_limit() {
    let limit = 2 * TAIL_MAX;
    for kind in [Serialization::Json, Serialization::Advanced] {
        for (len, passes) in [(limit, true), (limit + 1, false)] {
            let mut input = match kind {
                Serialization::Json => Vec::new(),
                Serialization::Advanced => (len as u32).to_be_bytes().to_vec(),
            };
            input.resize(input.len() + len, b'x');
            if kind == Serialization::Json {
                input.push(b'\n');
            }
            let mut frames = Frames::with_max_frame(kind, limit);
            let (first, mut rest) = input.split_at(TAIL_MIN + 10);
            let mut told = frames.feed(first, |_| panic!("not yet")).map(|()| None);
            while let Ok(None) = told {
                let room = frames.tail().expect("a long frame");
                let len = room.len().min(rest.len());
                room[..len].copy_from_slice(&rest[..len]);
                rest = &rest[len..];
                let room = room.len();
                told = frames.fill_tail(room, len);
            }
            assert_eq!(told.is_ok(), passes, "{kind:?} of {len}");
        }
    }
}

#[test]
fn a_frame_of_exactly_the_limit_passes() {
    for (kind, input) in [
        (Serialization::Json, &b"12345678\n"[..]),
        (Serialization::Advanced, b"\0\0\0\x0812345678"),
    ] {
        for piece in 1..=input.len() {
            let mut frames = Frames::with_max_frame(kind, 8);
            let mut seen = Vec::new();
            for bytes in input.chunks(piece) {
                frames
                    .feed(bytes, |frame| seen.push(frame.to_vec()))
                    .unwrap();
            }
            assert_eq!(seen, [b"12345678"]);
        }
    }
}
