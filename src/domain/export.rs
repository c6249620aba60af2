//! What of a tenant's data left as a file, as it is on record (semantics §11): never what was in it, nor what it was
//! filtered by, only that it was.

use std::collections::BTreeSet;

/// A closed list of stable words.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$of])* $variant,)+
        }

        impl $name {
            /// Every one.
            pub const ALL: &[$name] = &[$($name::$variant,)+];

            /// The stable word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)+
                }
            }
        }
    };
}

words! {
    /// What a file is of.
    ExportPart {
        /// The journal, a page a file.
        Audit = "audit",
        /// The directory, whole.
        Directory = "directory",
        /// The pauses, a page a file.
        Pauses = "pauses",
    }
}

words! {
    /// How a file is written.
    ExportFormat {
        /// By RFC 4180.
        Csv = "csv",
        /// One JSON document a line.
        Ndjson = "ndjson",
        /// As the import reads it.
        Toml = "toml",
    }
}

words! {
    /// By what some was left out.
    ExportFilter {
        /// By who brought it about.
        Actor = "actor",
        /// By whose it is.
        Agent = "agent",
        /// By its beginning.
        From = "from",
        /// By the kind of event.
        Kind = "kind",
        /// By the team that it counts for.
        Team = "team",
        /// By its end.
        To = "to",
        /// By the type of pause.
        Type = "type",
    }
}

/// A file of a kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Export {
    /// What it is of.
    pub what: ExportPart,
    /// How it is written.
    pub format: ExportFormat,
    /// By what some was left out, as whoever asked wished; what their role leaves out besides goes without saying.
    pub filters: BTreeSet<ExportFilter>,
}
