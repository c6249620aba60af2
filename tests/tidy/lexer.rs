//! Just enough of Rust's lexical grammar to tell code from comments and strings.
//!
//! It knows no types and expands no macros; what the rules ask of it can be seen in the tokens.

/// One token that is code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// What it is.
    pub(crate) kind: Kind,
    /// Its line, from 1.
    pub(crate) line: usize,
}

/// The kinds of token that the rules tell apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier or a keyword.
    Ident(String),
    /// `::`, the only mark of two characters that the rules ask for.
    PathSep,
    /// Any other mark.
    Mark(char),
    /// A literal: string, character, number. Its content is not code; a string's is kept, as it is written.
    Literal(String),
}

impl Token {
    /// The identifier, if it is one.
    pub(crate) fn ident(&self) -> Option<&str> {
        match &self.kind {
            Kind::Ident(name) => Some(name),
            Kind::PathSep | Kind::Mark(_) | Kind::Literal(_) => None,
        }
    }

    /// What is written in it, if it is a string.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Literal(text) => Some(text),
            Kind::Ident(_) | Kind::PathSep | Kind::Mark(_) => None,
        }
    }

    /// True for this identifier or keyword.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.ident() == Some(name)
    }

    /// True for this mark.
    pub(crate) fn is_mark(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }
}

/// One comment, or one line of a longer one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Comment {
    /// Its text, slashes included.
    pub(crate) text: String,
    /// Its line, from 1.
    pub(crate) line: usize,
}

/// A source text taken apart.
#[derive(Debug, Default)]
pub(crate) struct Lexed {
    /// The code.
    pub(crate) tokens: Vec<Token>,
    /// The comments, documentation included.
    pub(crate) comments: Vec<Comment>,
}

/// Takes a source text apart.
pub(crate) fn lex(text: &str) -> Lexed {
    let mut lexer = Lexer { rest: text.chars().collect(), at: 0, line: 1, out: Lexed::default() };
    lexer.run();
    lexer.out
}

struct Lexer {
    rest: Vec<char>,
    at: usize,
    line: usize,
    out: Lexed,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.rest.get(self.at + ahead).copied()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek(0)?;
        self.at += 1;
        if next == '\n' {
            self.line += 1;
        }
        Some(next)
    }

    fn push(&mut self, kind: Kind, line: usize) {
        self.out.tokens.push(Token { kind, line });
    }

    fn run(&mut self) {
        while let Some(next) = self.peek(0) {
            let line = self.line;
            match next {
                '/' if self.peek(1) == Some('/') => self.line_comment(),
                '/' if self.peek(1) == Some('*') => self.block_comment(),
                '"' => self.string(line),
                '\'' => self.quote(line),
                c if c.is_alphabetic() || c == '_' => self.word(line),
                c if c.is_ascii_digit() => self.number(line),
                ':' if self.peek(1) == Some(':') => {
                    self.at += 2;
                    self.push(Kind::PathSep, line);
                }
                c => {
                    self.bump();
                    if !c.is_whitespace() {
                        self.push(Kind::Mark(c), line);
                    }
                }
            }
        }
    }

    fn line_comment(&mut self) {
        let line = self.line;
        let mut text = String::new();
        while let Some(next) = self.peek(0).filter(|next| *next != '\n') {
            text.push(next);
            self.at += 1;
        }
        self.out.comments.push(Comment { text, line });
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        let mut text = String::new();
        loop {
            let line = self.line;
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => depth += 1,
                (Some('*'), Some('/')) => depth -= 1,
                (None, _) => return,
                (Some('\n'), _) => {
                    self.bump();
                    self.out.comments.push(Comment { text: std::mem::take(&mut text), line });
                    continue;
                }
                (Some(other), _) => {
                    text.push(other);
                    self.at += 1;
                    continue;
                }
            }
            self.at += 2;
            if depth == 0 {
                self.out.comments.push(Comment { text, line });
                return;
            }
        }
    }

    fn string(&mut self, line: usize) {
        self.bump();
        let mut text = String::new();
        while let Some(next) = self.bump() {
            match next {
                '\\' => {
                    text.push(next);
                    text.extend(self.bump());
                }
                '"' => break,
                other => text.push(other),
            }
        }
        self.push(Kind::Literal(text), line);
    }

    /// A character literal, or a lifetime.
    fn quote(&mut self, line: usize) {
        let is_char = self.peek(1) == Some('\\') || self.peek(2) == Some('\'');
        self.bump();
        if is_char {
            while let Some(next) = self.bump() {
                match next {
                    '\\' => {
                        self.bump();
                    }
                    '\'' => break,
                    _ => {}
                }
            }
            self.push(Kind::Literal(String::new()), line);
        } else {
            while self.peek(0).is_some_and(|next| next.is_alphanumeric() || next == '_') {
                self.at += 1;
            }
        }
    }

    fn word(&mut self, line: usize) {
        let mut name = String::new();
        while let Some(next) = self.peek(0).filter(|next| next.is_alphanumeric() || *next == '_') {
            name.push(next);
            self.at += 1;
        }
        match (name.as_str(), self.peek(0)) {
            ("r" | "br" | "cr", Some('"')) => self.raw_string(line, 0),
            ("r" | "br" | "cr", Some('#')) => {
                let hashes = (0..).take_while(|ahead| self.peek(*ahead) == Some('#')).count();
                if self.peek(hashes) == Some('"') {
                    self.at += hashes;
                    self.raw_string(line, hashes);
                } else {
                    // A raw identifier: `r#type`.
                    self.at += hashes;
                }
            }
            ("b" | "c", Some('"')) => self.string(line),
            ("b", Some('\'')) => self.quote(line),
            _ => self.push(Kind::Ident(name), line),
        }
    }

    fn raw_string(&mut self, line: usize, hashes: usize) {
        self.bump();
        let mut text = String::new();
        while let Some(next) = self.bump() {
            if next == '"' && (0..hashes).all(|ahead| self.peek(ahead) == Some('#')) {
                self.at += hashes;
                break;
            }
            text.push(next);
        }
        self.push(Kind::Literal(text), line);
    }

    fn number(&mut self, line: usize) {
        while self.peek(0).is_some_and(|next| next.is_alphanumeric() || next == '_') {
            self.at += 1;
        }
        self.push(Kind::Literal(String::new()), line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idents(text: &str) -> Vec<String> {
        lex(text).tokens.iter().filter_map(|token| token.ident().map(String::from)).collect()
    }

    #[test]
    fn comments_and_strings_are_not_code() {
        let text = "a /* b /* c */ d */ e // f\ng \"h \\\" i\" j r#\"k \" l\"# m b\"n\" 'o' '\\'' p";
        assert_eq!(idents(text), ["a", "e", "g", "j", "m", "p"]);
        assert_eq!(lex(text).comments.len(), 2);
    }

    #[test]
    fn what_strings_say_is_kept() {
        let tokens = lex("a(\"b \\\"c\\\"\", r#\"d \"e\"\"#, 'f', 7)").tokens;
        let texts: Vec<&str> = tokens.iter().filter_map(Token::text).filter(|text| !text.is_empty()).collect();
        assert_eq!(texts, ["b \\\"c\\\"", "d \"e\""]);
    }

    #[test]
    fn lifetimes_are_not_character_literals() {
        assert_eq!(
            idents("fn f<'a>(x: &'a str, y: char) { g('\"', y) }"),
            ["fn", "f", "x", "str", "y", "char", "g", "y"]
        );
    }

    #[test]
    fn lines_are_counted_through_everything() {
        let lexed = lex("/* 1\n2 */ \"3\n\n\" last // comment");
        assert_eq!(lexed.tokens.last().map(|token| token.line), Some(4));
        assert_eq!(lexed.comments.last().map(|comment| comment.line), Some(4));
    }
}
