//! HTTP requests, and responses that are compared with what must come, whichever way they are framed.

use std::io;

use crate::stream::{Stream, read};
use crate::{pattern, wrong};

const LARGE: usize = 1024 * 1024;
const BLOCK: usize = 64 * 1024;
const POST: usize = 1024;
const PIPELINED: u64 = 16;

pub struct Http {
    pub question: Vec<u8>,
    /// In one question.
    pub requests: u64,
    /// Lines each response's head must have, but for their case.
    fields: Vec<Vec<u8>>,
    body: Vec<u8>,
}

fn request(line: &str, fields: &str) -> Vec<u8> {
    format!("{line} HTTP/1.1\r\nHost: 127.0.0.1\r\n{fields}\r\n").into_bytes()
}

/// Ten fields with the Host; the server answers with the length of all their values and with one of them.
const JSON_FIELDS: &str = "Accept: application/json\r\nAccept-Encoding: gzip, deflate\r\n\
    Accept-Language: en\r\nUser-Agent: ferrowire-bench\r\nX-Request-Id: 0123456789abcdef\r\n\
    X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nCookie: session=0123456789\r\n\
    Cache-Control: no-cache\r\n";

fn values_len() -> usize {
    let values = JSON_FIELDS
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(_, value)| value.len());
    values.sum::<usize>() + "127.0.0.1".len()
}

/// What the server makes with JSON.stringify.
fn json() -> Vec<u8> {
    let text = "x".repeat(1024 - "{\"text\":\"\"}".len());
    format!("{{\"text\":\"{text}\"}}").into_bytes()
}

impl Http {
    pub fn new(name: &str) -> io::Result<Self> {
        let get = |body: &[u8]| Self {
            question: request("GET /hello", ""),
            requests: 1,
            fields: Vec::new(),
            body: body.to_vec(),
        };
        match name {
            "get" => Ok(get(b"/hello")),
            "pipelined" => Ok(Self {
                question: request("GET /hello", "").repeat(PIPELINED as usize),
                requests: PIPELINED,
                ..get(b"/hello")
            }),
            "json" => Ok(Self {
                question: request("GET /json", JSON_FIELDS),
                fields: vec![
                    b"content-type: application/json; charset=utf-8".to_vec(),
                    b"content-length: 1024".to_vec(),
                    b"cache-control: no-store".to_vec(),
                    b"x-request-id: 0123456789abcdef".to_vec(),
                    format!("x-values: {}", values_len()).into_bytes(),
                ],
                ..get(&json())
            }),
            "post" => {
                let body = pattern(POST);
                let head = format!("Content-Length: {POST}\r\n");
                let mut question = request("POST /echo", &head);
                question.extend_from_slice(&body);
                Ok(Self {
                    question,
                    ..get(&body)
                })
            }
            "large" => Ok(get(&pattern(BLOCK).repeat(LARGE / BLOCK))),
            "express" => Ok(Self {
                fields: vec![b"x-powered-by: express".to_vec()],
                ..get(b"Hello World!")
            }),
            _ => Err(wrong(format!("no such talk: {name}"))),
        }
    }

    pub fn take_answers(&self, stream: &mut dyn Stream, buffer: &mut [u8]) -> io::Result<()> {
        let mut input = Input {
            stream,
            buffer,
            at: 0,
            end: 0,
        };
        for _ in 0..self.requests {
            self.take_answer(&mut input)?;
        }
        match input.end - input.at {
            0 => Ok(()),
            more => Err(wrong(format!("{more} bytes that nobody asked for"))),
        }
    }

    fn take_answer(&self, input: &mut Input<'_>) -> io::Result<()> {
        let head = input.until(b"\r\n\r\n")?.to_ascii_lowercase();
        let has = |line: &[u8]| head.split(|&byte| byte == b'\n').any(|each| each == line);
        let unlike = || wrong(format!("unexpected: {}", String::from_utf8_lossy(&head)));
        if !head.starts_with(b"http/1.1 200 ok\r\n")
            || !self.fields.iter().all(|field| has(&with_return(field)))
        {
            return Err(unlike());
        }
        if has(b"transfer-encoding: chunked\r") {
            return self.take_chunks(input);
        }
        let length = format!("content-length: {}\r", self.body.len());
        if !has(length.as_bytes()) {
            return Err(unlike());
        }
        input.compare(&self.body)
    }

    fn take_chunks(&self, input: &mut Input<'_>) -> io::Result<()> {
        let mut rest = &self.body[..];
        loop {
            let line = input.until(b"\r\n")?.trim_ascii();
            let len = str::from_utf8(line)
                .ok()
                .and_then(|text| usize::from_str_radix(text, 16).ok())
                .ok_or_else(|| wrong("no length of a chunk"))?;
            let (chunk, after) = rest
                .split_at_checked(len)
                .ok_or_else(|| wrong("the body is too long"))?;
            input.compare(chunk)?;
            input.compare(b"\r\n")?;
            rest = after;
            if len > 0 {
                continue;
            }
            return match rest.len() {
                0 => Ok(()),
                left => Err(wrong(format!("{left} bytes of the body are missing"))),
            };
        }
    }
}

fn with_return(line: &[u8]) -> Vec<u8> {
    [line, b"\r"].concat()
}

/// What was read and not looked at yet.
struct Input<'a> {
    stream: &'a mut dyn Stream,
    buffer: &'a mut [u8],
    at: usize,
    end: usize,
}

impl Input<'_> {
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.at..self.end, 0);
        (self.at, self.end) = (0, self.end - self.at);
        match read(self.stream, &mut self.buffer[self.end..])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.end += count;
                Ok(())
            }
        }
    }

    /// Everything up to `mark`, and `mark`.
    fn until(&mut self, mark: &[u8]) -> io::Result<&[u8]> {
        loop {
            let bytes = &self.buffer[self.at..self.end];
            let found = bytes.windows(mark.len()).position(|each| each == mark);
            if let Some(position) = found {
                let start = self.at;
                self.at += position + mark.len();
                return Ok(&self.buffer[start..self.at]);
            }
            self.fill()?;
        }
    }

    fn compare(&mut self, mut expected: &[u8]) -> io::Result<()> {
        while !expected.is_empty() {
            if self.at == self.end {
                self.fill()?;
            }
            let count = expected.len().min(self.end - self.at);
            let (now, later) = expected.split_at(count);
            if self.buffer[self.at..self.at + count] != *now {
                return Err(wrong("the body is not what was expected"));
            }
            self.at += count;
            expected = later;
        }
        Ok(())
    }
}
