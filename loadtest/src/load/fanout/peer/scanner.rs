//! Finds messages in what a peer writes around them.

/// What a message begins with; nothing that a peer writes around one has it.
const MARK: u8 = b'#';
/// How many digits its number has.
const DIGITS: u8 = 12;

/// A message: a mark, a number, then as much as is needed to reach the size.
pub(super) fn message(number: u64, bytes: usize) -> Vec<u8> {
    let mut message = format!("#{number:0width$}", width = usize::from(DIGITS)).into_bytes();
    message.resize(bytes.max(message.len()), b'.');
    message
}

/// What was found in some bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The numbers of messages whose beginning came.
    pub(super) numbers: Vec<u64>,
    /// The peer has said that the socket hears from now on.
    pub(super) is_ready: bool,
}

/// Reads one socket, however a message is cut in pieces.
#[derive(Debug)]
pub(super) struct Scanner {
    /// How many digits came after a mark; none outside of a number.
    digits: Option<u8>,
    number: u64,
    /// What says that the socket hears, and how much of it came.
    readiness: &'static [u8],
    came: usize,
}

impl Scanner {
    pub(super) fn new(readiness: &'static [u8]) -> Scanner {
        Scanner { digits: None, number: 0, readiness, came: 0 }
    }

    pub(super) fn scan(&mut self, bytes: &[u8]) -> Found {
        let mut found = Found::default();
        let mut rest = bytes;
        // Before the first message only; none of the words begins twice with the same letter.
        while self.came < self.readiness.len() {
            let [byte, others @ ..] = rest else { return found };
            rest = others;
            let fits = self.readiness[self.came] == *byte;
            self.came = if fits { self.came + 1 } else { usize::from(self.readiness[0] == *byte) };
            found.is_ready |= self.came == self.readiness.len();
        }
        while let Some(digits) = self.digits.or_else(|| self.find_mark(&mut rest)) {
            self.digits = Some(digits);
            let [byte, others @ ..] = rest else { return found };
            rest = others;
            self.digits = byte.is_ascii_digit().then_some(digits + 1);
            self.number = self.number * 10 + u64::from(byte.wrapping_sub(b'0'));
            if self.digits == Some(DIGITS) {
                found.numbers.push(self.number);
                self.digits = None;
            }
        }
        found
    }

    /// Moves behind the next mark.
    fn find_mark(&mut self, rest: &mut &[u8]) -> Option<u8> {
        let at = rest.iter().position(|byte| *byte == MARK)?;
        *rest = &rest[at + 1..];
        self.number = 0;
        Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_found_wherever_they_are_cut() {
        let mut stream = b"INFO {}\r\nPONG\r\n".to_vec();
        for number in [0, 1, 999_999_999_999] {
            stream.extend(b"MSG s 1 40\r\n");
            stream.extend(message(number, 40));
            stream.extend(b"\r\n");
        }
        for cut in 1..stream.len() {
            let mut scanner = Scanner::new(b"PONG");
            let (mut numbers, mut ready) = (Vec::new(), 0);
            for part in stream.chunks(cut) {
                let found = scanner.scan(part);
                numbers.extend(found.numbers);
                ready += usize::from(found.is_ready);
            }
            assert_eq!((numbers, ready), (vec![0, 1, 999_999_999_999], 1), "pieces of {cut}");
        }
    }

    #[test]
    fn a_message_is_as_long_as_it_is_to_be() {
        assert_eq!(message(7, 20), b"#000000000007.......");
        assert_eq!(message(7, 3), b"#000000000007");
    }
}
