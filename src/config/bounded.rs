//! Reading a text file without trusting what it says of its size: a device or a pipe says 0.

use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::Path;

/// Reads a file as UTF-8, of at most `max` bytes.
///
/// # Errors
/// When it cannot be read, is not UTF-8, or has more; never after reading more than `max` + 1 bytes.
pub fn read_text(path: &Path, max: u64) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(Error::new(
            ErrorKind::FileTooLarge,
            format!("it has more than {max} bytes, the most that are read"),
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Error::new(ErrorKind::InvalidData, format!("it is not UTF-8 from byte {at} on"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_file_without_end_is_refused_and_not_read() {
        let error = read_text(Path::new("/dev/zero"), 1000).unwrap_err();
        assert_eq!(error.to_string(), "it has more than 1000 bytes, the most that are read");
    }

    #[test]
    fn a_file_is_read_up_to_the_last_byte_allowed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "é".repeat(5)).unwrap();
        assert_eq!(read_text(file.path(), 10).unwrap(), "é".repeat(5));
        assert_eq!(read_text(file.path(), 9).unwrap_err().kind(), ErrorKind::FileTooLarge);
        std::fs::write(file.path(), b"ab\xff").unwrap();
        assert_eq!(read_text(file.path(), 9).unwrap_err().to_string(), "it is not UTF-8 from byte 2 on");
    }
}
