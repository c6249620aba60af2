//! The head of a frame.

/// The longest head of a frame that is not masked.
const BYTES_MAX: usize = 10;
/// The first byte of a frame of text that is the whole message.
const WHOLE_TEXT: u8 = 0x81;
/// That the length is in the two bytes that follow, or the eight.
const LENGTH_OF_16_BITS: u8 = 126;
const LENGTH_OF_64_BITS: u8 = 127;

/// The head of a whole, unmasked frame of text (RFC 6455 §5.2).
#[derive(Debug, Clone, Copy)]
pub(super) struct FrameHead {
    bytes: [u8; BYTES_MAX],
    len: u8,
}

impl FrameHead {
    /// That of a text of so many bytes.
    pub(super) fn of_text(length: usize) -> FrameHead {
        let mut bytes = [0; BYTES_MAX];
        bytes[0] = WHOLE_TEXT;
        let len = match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short @ 0..=125), _) => {
                bytes[1] = short;
                2
            }
            (_, Ok(middle)) => {
                bytes[1] = LENGTH_OF_16_BITS;
                bytes[2..4].copy_from_slice(&middle.to_be_bytes());
                4
            }
            (_, Err(_)) => {
                bytes[1] = LENGTH_OF_64_BITS;
                bytes[2..].copy_from_slice(&(length as u64).to_be_bytes());
                10
            }
        };
        FrameHead { bytes, len }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}
