//! The query of a list over HTTP: each name once, each value read, what is unknown refused by name.

use std::collections::BTreeMap;

use axum::extract::Query as Pairs;
use http::Uri;

use super::cursor::{Place, place};
use super::problem::Problem;

/// How many entries a page has that asks for no number, and at most (`docs/protocol.md`, "Lists").
const PAGE: usize = 100;
const PAGE_MAX: usize = 1000;

/// The parameters that have not been read yet.
pub(super) struct Query {
    rest: BTreeMap<String, String>,
}

impl Query {
    /// Those of an address.
    ///
    /// # Errors
    /// When they cannot be read, or one is given twice.
    pub(super) fn of(uri: &Uri) -> Result<Query, Problem> {
        let Ok(Pairs(pairs)) = Pairs::<Vec<(String, String)>>::try_from_uri(uri) else {
            return Err(Problem::parameter("query", "cannot be read"));
        };
        let mut rest = BTreeMap::new();
        for (name, value) in pairs {
            if rest.contains_key(&name) {
                return Err(Problem::parameter(&name, "is given twice"));
            }
            rest.insert(name, value);
        }
        Ok(Query { rest })
    }

    /// A parameter that may be left out; `read` says what is wrong with it, to be read after its name.
    ///
    /// # Errors
    /// When it is there and is not what it should be.
    pub(super) fn optional<T>(
        &mut self,
        name: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Problem> {
        let Some(value) = self.rest.remove(name) else { return Ok(None) };
        read(&value).map(Some).map_err(|why| Problem::parameter(name, &why))
    }

    /// How many entries are asked for.
    ///
    /// # Errors
    /// When it is no number within bounds.
    pub(super) fn limit(&mut self) -> Result<usize, Problem> {
        let read = |value: &str| {
            let limit = value.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit));
            limit.ok_or_else(|| format!("must be from 1 to {PAGE_MAX}"))
        };
        Ok(self.optional("limit", read)?.unwrap_or(PAGE))
    }

    /// Where to go on.
    ///
    /// # Errors
    /// When it is none that was handed out.
    pub(super) fn cursor<P: Place>(&mut self) -> Result<Option<P>, Problem> {
        self.optional("cursor", |value| place(value).ok_or_else(|| "is none that was handed out".to_owned()))
    }

    /// Refuses what has not been read.
    ///
    /// # Errors
    /// When anything is left.
    pub(super) fn finish(self) -> Result<(), Problem> {
        match self.rest.keys().next() {
            None => Ok(()),
            Some(unknown) => Err(Problem::parameter(unknown, "is unknown to this path")),
        }
    }
}

/// A page of what was found with one more than asked for, and where the next one goes on, if there is one.
pub(super) fn page<T>(mut found: Vec<T>, limit: usize, name: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
    let more = found.len() > limit;
    found.truncate(limit);
    let next_cursor = found.last().filter(|_| more).map(name);
    (found, next_cursor)
}
