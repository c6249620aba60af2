//! Frames of RFC 6455 §5.2, as a client writes and reads them.

use crate::client::FRAME_BYTES_MAX;

/// A text message.
pub(in crate::load) const TEXT: u8 = 0x1;
/// A binary message.
pub(in crate::load) const BINARY: u8 = 0x2;
/// The end.
pub(in crate::load) const CLOSE: u8 = 0x8;
/// A question whether somebody is there.
pub(in crate::load) const PING: u8 = 0x9;
/// Its answer.
pub(in crate::load) const PONG: u8 = 0xa;

/// The last frame of a message.
const FINAL: u8 = 0x80;
/// The payload is masked.
const MASKED: u8 = 0x80;
/// A key for masking that is the same each time. Masks keep proxies from being fooled by what a page sends
/// (RFC 6455 §10.3); nothing here comes from a page.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame where it lies.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::load) struct Frame<'a> {
    pub(in crate::load) opcode: u8,
    pub(in crate::load) payload: &'a [u8],
    /// How many bytes it takes, its head included.
    pub(in crate::load) length: usize,
}

/// The frame that bytes begin with; none when it is not whole yet.
///
/// # Errors
/// What is wrong with it, for a frame that a server may not send.
pub(in crate::load) fn read(bytes: &[u8]) -> Result<Option<Frame<'_>>, String> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    if second & MASKED != 0 {
        return Err("the server masked a frame".to_owned());
    }
    if first & FINAL == 0 || first & 0x0f == 0 {
        return Err("the server split a message over several frames, which is not read here".to_owned());
    }
    if first & 0x70 != 0 {
        return Err("the server set a reserved bit of a frame".to_owned());
    }
    let (size, head) = match (second, rest) {
        (126, [a, b, ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 4),
        (127, [a, b, c, d, e, f, g, h, ..]) => (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), 10),
        (126 | 127, _) => return Ok(None),
        (short, _) => (u64::from(*short), 2),
    };
    let size = usize::try_from(size).ok().filter(|size| *size <= FRAME_BYTES_MAX);
    let size = size.ok_or_else(|| format!("the server sent a frame of more than {FRAME_BYTES_MAX} bytes"))?;
    let payload = bytes.get(head..head + size);
    Ok(payload.map(|payload| Frame { opcode: first & 0x0f, payload, length: head + size }))
}

/// Writes a frame of a client.
pub(in crate::load) fn write_masked(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    out.push(FINAL | opcode);
    push_length(out, payload.len(), MASKED);
    out.extend_from_slice(&MASK);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
}

/// Writes a text frame of a server.
pub(in crate::load) fn write_plain_text(out: &mut Vec<u8>, payload: &[u8]) {
    out.push(FINAL | TEXT);
    push_length(out, payload.len(), 0);
    out.extend_from_slice(payload);
}

fn push_length(out: &mut Vec<u8>, length: usize, masked: u8) {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if short < 126 => out.push(masked | short),
        (_, Ok(medium)) => {
            out.push(masked | 126);
            out.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            out.push(masked | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;

    /// Lengths around every border of the format.
    const LENGTHS: [usize; 9] = [0, 1, 125, 126, 127, 65_535, 65_536, 65_537, 300_000];

    #[tokio::test]
    async fn what_is_written_is_read_by_the_library() {
        for length in LENGTHS {
            let payload = "é".repeat(length / 2) + if length % 2 == 1 { "x" } else { "" };
            let mut bytes = Vec::new();
            write_masked(&mut bytes, TEXT, payload.as_bytes());
            let (ours, theirs) = tokio::io::duplex(1 << 20);
            let mut library = WebSocketStream::from_raw_socket(theirs, Role::Server, None).await;
            let mut ours = ours;
            tokio::io::AsyncWriteExt::write_all(&mut ours, &bytes).await.unwrap();
            let read = library.next().await.unwrap().unwrap();
            assert_eq!(read, Message::text(payload), "{length}");
        }
    }

    #[tokio::test]
    async fn what_the_library_writes_is_read() {
        for length in LENGTHS {
            let payload = "a".repeat(length);
            let (mut ours, theirs) = tokio::io::duplex(1 << 20);
            let mut library = WebSocketStream::from_raw_socket(theirs, Role::Server, None).await;
            library.send(Message::text(payload.clone())).await.unwrap();
            drop(library);
            let mut bytes = Vec::new();
            tokio::io::AsyncReadExt::read_to_end(&mut ours, &mut bytes).await.unwrap();
            let mut plain = Vec::new();
            write_plain_text(&mut plain, payload.as_bytes());
            assert_eq!(bytes, plain, "{length}");
            let whole = Frame { opcode: TEXT, payload: payload.as_bytes(), length: bytes.len() };
            assert_eq!(read(&bytes), Ok(Some(whole)));
            for short in [0, 1, bytes.len() / 2, bytes.len() - 1] {
                assert_eq!(read(&bytes[..short]), Ok(None), "{short} of {}", bytes.len());
            }
        }
    }

    #[test]
    fn what_a_server_may_not_send_is_refused() {
        let cases: [(&[u8], &str); 5] = [
            (&[0x81, 0x80, 0, 0, 0, 0], "masked"),
            (&[0x01, 0x00], "several frames"),
            (&[0x80, 0x00], "several frames"),
            (&[0xc1, 0x00], "reserved bit"),
            (&[0x81, 127, 0, 0, 0, 0, 0, 8, 0, 1], "more than 524288 bytes"),
        ];
        for (bytes, expected) in cases {
            let told = read(bytes).unwrap_err();
            assert!(told.contains(expected), "{told}");
        }
    }
}
