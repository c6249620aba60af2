//! The cursor: where a board was, as opaque text that holds across connections and restarts.

use crate::domain::id::{DirectoryVersion, TenantSeq};

/// A place in a view's sequence, and the membership that it was seen with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The tenant's number.
    pub(super) to: TenantSeq,
    /// The directory that decided who is in the view.
    pub(super) directory: DirectoryVersion,
}

/// A cursor of a view read and written again, for who holds the one against the other from outside (`fuzz/`); none when it is not
/// one of that view's.
pub fn again(text: &str, view: &str) -> Option<String> {
    Cursor::from_text(text, view).map(|cursor| cursor.to_text(view))
}

impl Cursor {
    /// The text of a cursor of a view.
    pub(super) fn to_text(self, view: &str) -> String {
        format!("{view}.{:x}.{:x}", self.to.0, self.directory.0)
    }

    /// Reads a text; none when it is not one of this view's cursors.
    pub(super) fn from_text(text: &str, view: &str) -> Option<Cursor> {
        let (to, directory) = text.strip_prefix(view)?.strip_prefix('.')?.split_once('.')?;
        let number = |hex: &str| u64::from_str_radix(hex, 16).ok();
        let cursor = Cursor { to: TenantSeq(number(to)?), directory: DirectoryVersion(number(directory)?) };
        // A number has more forms than the one that is handed out.
        (cursor.to_text(view) == text).then_some(cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_in_its_own_view_only() {
        let cursor = Cursor { to: TenantSeq(255), directory: DirectoryVersion(3) };
        let text = cursor.to_text("ab");
        assert_eq!(Cursor::from_text(&text, "ab"), Some(cursor));
        for (text, view) in [(text.as_str(), "a"), (&text, "abc"), ("", "ab"), ("ab.", "ab"), ("ab.1", "ab")] {
            assert_eq!(Cursor::from_text(text, view), None, "{text} in {view}");
        }
        assert_eq!(Cursor::from_text("ab.1.x", "ab"), None);
        assert_eq!(Cursor::from_text("ab.fffffffffffffffff.1", "ab"), None);
        for odd in ["ab.+ff.3", "ab.ff.03", "ab.FF.3"] {
            assert_eq!(Cursor::from_text(odd, "ab"), None, "{odd}");
        }
    }
}
