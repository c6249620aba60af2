//! Statements that read, of two kinds: over the rows of one tenant, and over those of all (promise A1).
//!
//! Only the texts are here. Who runs them, and binds the tenant, is `reading`.

/// A statement over the rows of one tenant: `$1`, which whoever runs it cannot choose. It is the same text for both
/// databases where they agree, and two texts where they do not.
///
/// With the condition it compiles:
/// ```
/// use intervalo::store::sql::Sql;
/// const PEOPLE: Sql = Sql::same("SELECT name FROM people WHERE tenant = $1 AND kind = 'agent'");
/// let _ = PEOPLE;
/// ```
/// Without it, it does not:
/// ```compile_fail,E0080
/// use intervalo::store::sql::Sql;
/// const PEOPLE: Sql = Sql::same("SELECT name FROM people WHERE kind = 'agent'");
/// let _ = PEOPLE;
/// ```
/// Nor with it for one of two databases only:
/// ```
/// use intervalo::store::sql::Sql;
/// const PEOPLE: Sql = Sql::each("SELECT 1 FROM people WHERE tenant = $1", "SELECT 2 FROM people WHERE tenant = $1");
/// let _ = PEOPLE;
/// ```
/// ```compile_fail,E0080
/// use intervalo::store::sql::Sql;
/// const PEOPLE: Sql = Sql::each("SELECT 1 FROM people WHERE tenant = $1", "SELECT 2 FROM people");
/// let _ = PEOPLE;
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Sql {
    pub(super) sqlite: &'static str,
    pub(super) postgres: &'static str,
}

impl Sql {
    /// One text for both databases.
    ///
    /// # Panics
    /// When the tenant is no condition of it; in a constant, while it is compiled.
    pub const fn same(text: &'static str) -> Sql {
        Sql::each(text, text)
    }

    /// A text for each.
    ///
    /// # Panics
    /// As [`Sql::same`].
    pub const fn each(sqlite: &'static str, postgres: &'static str) -> Sql {
        assert!(names_tenant(sqlite) && names_tenant(postgres), "the statement reads more than one tenant's rows");
        Sql { sqlite, postgres }
    }
}

/// A statement over the rows of all tenants: what a start, `verify` and `copy` read. It is never run where a [`Sql`] is,
/// and only `store` makes one.
///
/// ```compile_fail,E0624
/// use intervalo::store::sql::SqlOfAll;
/// const PEOPLE: SqlOfAll = SqlOfAll::same("SELECT name FROM people");
/// let _ = PEOPLE;
/// ```
/// It can be named from elsewhere, and no more:
/// ```
/// use intervalo::store::sql::SqlOfAll;
/// const PEOPLE: Option<SqlOfAll> = None;
/// let _ = PEOPLE;
/// ```
#[derive(Debug, Clone, Copy)]
pub struct SqlOfAll {
    pub(super) sqlite: &'static str,
    pub(super) postgres: &'static str,
}

impl SqlOfAll {
    /// One text for both databases.
    pub(in crate::store) const fn same(text: &'static str) -> SqlOfAll {
        SqlOfAll { sqlite: text, postgres: text }
    }

    /// A text for each.
    pub(in crate::store) const fn each(sqlite: &'static str, postgres: &'static str) -> SqlOfAll {
        SqlOfAll { sqlite, postgres }
    }
}

/// True when a condition on the tenant is somewhere in a text. That it is one of every table of it, a test of the
/// house rules reads.
const fn names_tenant(text: &str) -> bool {
    let (text, wanted) = (text.as_bytes(), b"tenant = $1");
    let mut at = 0;
    while at + wanted.len() <= text.len() {
        let mut same = 0;
        while same < wanted.len() && text[at + same] == wanted[same] {
            same += 1;
        }
        // `$1` is no beginning of `$12`.
        let ends = at + wanted.len() == text.len() || !text[at + wanted.len()].is_ascii_digit();
        if same == wanted.len() && ends {
            return true;
        }
        at += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_on_the_tenant_is_told_from_what_looks_like_one() {
        for scoped in
            ["SELECT 1 FROM people WHERE tenant = $1", "SELECT 1 FROM people AS p WHERE p.tenant = $1 AND id = $2"]
        {
            assert!(names_tenant(scoped), "{scoped}");
        }
        for other in
            ["", "tenant", "SELECT tenant FROM people", "WHERE tenant = $12", "WHERE tenant = $2", "tenant = $"]
        {
            assert!(!names_tenant(other), "{other}");
        }
    }
}
