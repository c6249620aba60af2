//! An operation of HTTP as the contract describes it.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::schemas::{SchemaOf, of};
use crate::auth::Action;

/// What a request needs to be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// No credential.
    Nothing,
    /// A credential of any role.
    Credential,
    /// A credential of a role that may do this.
    Action(Action),
    /// A credential of a role that may do one of two things.
    Either(Action, Action),
}

/// A parameter in the path, the query or a header.
pub(super) struct Parameter {
    pub(super) place: &'static str,
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) is_required: bool,
    pub(super) schema: SchemaOf,
}

/// An answer that is no problem document.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) what: &'static str,
    /// The media types, with their schemas.
    pub(super) content: Vec<(&'static str, SchemaOf)>,
    /// The headers that are always there, and what they say.
    pub(super) headers: Vec<(&'static str, &'static str)>,
}

/// One method of one path.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// What generated clients call it.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) needs: Needs,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<(SchemaOf, bool)>,
    /// The media types that the body may have.
    pub(super) body_media: &'static [&'static str],
    pub(super) answers: Vec<Answer>,
    /// The codes of the problem documents, by status.
    pub(super) problems: BTreeMap<u16, Vec<&'static str>>,
}

impl Operation {
    /// An operation for whoever `needs` lets in, with the problems that come of that alone.
    pub(super) fn new(
        (method, path): (&'static str, &'static str),
        id: &'static str,
        summary: &'static str,
        needs: Needs,
    ) -> Operation {
        let operation = Operation {
            method,
            path,
            id,
            summary,
            needs,
            parameters: Vec::new(),
            body: None,
            body_media: &["application/json"],
            answers: Vec::new(),
            problems: BTreeMap::new(),
        };
        let operation = operation
            .problem(405, &["method_not_allowed"])
            .problem(500, &["internal"])
            .problem(503, &["unavailable", "timeout"]);
        // An unknown parameter of the query is refused by every path but those that only say whether the server is there.
        let operation = if path.starts_with("/v1/") { operation.problem(400, &["invalid_params"]) } else { operation };
        match needs {
            Needs::Nothing => operation,
            Needs::Credential | Needs::Action(_) | Needs::Either(..) => operation
                .problem(401, &["unauthenticated"])
                .problem(403, &["forbidden", "cross_site"])
                .problem(429, &["rate_limited"]),
        }
    }

    /// Problems with a status; those that are there already stay.
    pub(super) fn problem(mut self, status: u16, codes: &[&'static str]) -> Operation {
        let there = self.problems.entry(status).or_default();
        there.extend(codes.iter().filter(|code| !there.contains(code)).copied().collect::<Vec<_>>());
        self
    }

    /// A segment of the path.
    pub(super) fn at<T: JsonSchema>(mut self, name: &'static str, what: &'static str) -> Operation {
        self.parameters.push(Parameter { place: "path", name, what, is_required: true, schema: of::<T> });
        self.problem(400, &["invalid_params"])
    }

    /// A parameter of the query that may be left out.
    pub(super) fn query<T: JsonSchema>(mut self, name: &'static str, what: &'static str) -> Operation {
        self.parameters.push(Parameter { place: "query", name, what, is_required: false, schema: of::<T> });
        self.problem(400, &["invalid_params"])
    }

    /// A parameter of the query that must be there.
    pub(super) fn query_required<T: JsonSchema>(self, name: &'static str, what: &'static str) -> Operation {
        let mut operation = self.query::<T>(name, what);
        if let Some(parameter) = operation.parameters.last_mut() {
            parameter.is_required = true;
        }
        operation
    }

    /// A header that may be left out.
    pub(super) fn header<T: JsonSchema>(mut self, name: &'static str, what: &'static str) -> Operation {
        self.parameters.push(Parameter { place: "header", name, what, is_required: false, schema: of::<T> });
        self.problem(400, &["invalid_params"])
    }

    /// A body.
    pub(super) fn body<T: JsonSchema>(mut self) -> Operation {
        self.body = Some((of::<T>, true));
        self.problem(400, &["parse_error", "invalid_params", "broken_body"])
            .problem(408, &["timeout"])
            .problem(413, &["too_large"])
    }

    /// A body that is a file of one of some kinds.
    pub(super) fn file(self, media: &'static [&'static str]) -> Operation {
        Operation { body_media: media, ..self.body::<String>() }
    }

    /// A body that may be left out.
    pub(super) fn body_or_none<T: JsonSchema>(self) -> Operation {
        let mut operation = self.body::<T>();
        operation.body = Some((of::<T>, false));
        operation
    }

    /// An answer in JSON.
    pub(super) fn answers<T: JsonSchema>(mut self, status: u16, what: &'static str) -> Operation {
        self.answers.push(Answer { status, what, content: vec![("application/json", of::<T>)], headers: Vec::new() });
        self
    }

    /// An answer without a body.
    pub(super) fn answers_nothing(mut self, status: u16, what: &'static str) -> Operation {
        self.answers.push(Answer { status, what, content: Vec::new(), headers: Vec::new() });
        self
    }

    /// Another form of the last answer.
    pub(super) fn or_as(mut self, media: &'static str) -> Operation {
        if let Some(answer) = self.answers.last_mut() {
            answer.content.push((media, of::<String>));
        }
        self
    }

    /// The last answer as text alone.
    pub(super) fn in_text(mut self, media: &'static str) -> Operation {
        if let Some(answer) = self.answers.last_mut() {
            answer.content = vec![(media, of::<String>)];
        }
        self
    }

    /// A header that the last answer always has.
    pub(super) fn with(mut self, name: &'static str, what: &'static str) -> Operation {
        if let Some(answer) = self.answers.last_mut() {
            answer.headers.push((name, what));
        }
        self
    }
}
