//! Several statements on one trip to SQLite's thread. A trip costs two turns of the scheduler, which is more than what most of
//! these statements do.

use futures_util::TryStreamExt;
use serde::Serialize;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, Either, Executor, SqliteConnection};

use super::fault::WriteFault;
use crate::store::stored::write_json;

/// Statements in the order in which they are run; the first that fails is the last.
pub(super) struct Script {
    statements: Vec<Statement>,
    arguments: SqliteArguments,
    bytes: usize,
}

struct Statement {
    sql: &'static str,
    /// How many rows it must touch.
    touches: Option<u64>,
}

impl Script {
    /// One that begins a transaction, which is open when all of it has run, and may be when it has failed.
    pub(super) fn of_transaction() -> Script {
        let begin = Statement { sql: "BEGIN IMMEDIATE", touches: None };
        Script { statements: vec![begin], arguments: SqliteArguments::default(), bytes: 0 }
    }

    /// Adds a statement that must touch one row for each that it is given. They travel as one JSON array, its only parameter:
    /// `?` without a number.
    pub(super) fn put<T: Serialize>(&mut self, sql: &'static str, rows: &[T]) -> Result<(), WriteFault> {
        self.add(sql, rows, Some(rows.len() as u64))
    }

    /// Adds one that may touch fewer, or more.
    pub(super) fn touch<T: Serialize>(&mut self, sql: &'static str, rows: &[T]) -> Result<(), WriteFault> {
        self.add(sql, rows, None)
    }

    fn add<T: Serialize>(&mut self, sql: &'static str, rows: &[T], touches: Option<u64>) -> Result<(), WriteFault> {
        if rows.is_empty() {
            return Ok(());
        }
        let json = write_json(&rows);
        self.bytes += json.len();
        self.arguments.add(json).map_err(|error| WriteFault::Refused(error.to_string()))?;
        self.statements.push(Statement { sql, touches });
        Ok(())
    }

    /// Runs them all. Returns how many bytes of rows they had.
    pub(super) async fn run(self, connection: &mut SqliteConnection) -> Result<usize, WriteFault> {
        let sql = self.statements.iter().map(|statement| statement.sql).collect::<Vec<_>>().join(";\n");
        let query = sqlx::query_with(AssertSqlSafe(sql), self.arguments);
        let mut outcomes = connection.fetch_many(query);
        let mut statements = self.statements.iter();
        while let Some(outcome) = outcomes.try_next().await? {
            let (Either::Left(done), Some(statement)) = (outcome, statements.next()) else { continue };
            let touched = done.rows_affected();
            if let Some(wanted) = statement.touches.filter(|&wanted| wanted != touched) {
                let sql = statement.sql;
                return Err(WriteFault::Refused(format!("{touched} of {wanted} rows were there to be written: {sql}")));
            }
        }
        match statements.next() {
            None => Ok(self.bytes),
            Some(left) => Err(WriteFault::Passing(format!("SQLite's thread stopped before: {}", left.sql))),
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection, Row};

    use super::*;

    const INSERT: &str = "INSERT INTO t (n) SELECT value FROM json_each(?)";
    const DOUBLE: &str = "UPDATE t SET n = 2 * n WHERE n IN (SELECT value FROM json_each(?))";

    async fn connection() -> SqliteConnection {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.expect("a connection");
        connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)").await.expect("a table");
        connection
    }

    async fn numbers(connection: &mut SqliteConnection) -> Vec<i64> {
        let rows = connection.fetch_all("SELECT n FROM t ORDER BY n").await.expect("rows");
        rows.iter().map(|row| row.get(0)).collect()
    }

    #[tokio::test]
    async fn each_statement_has_the_rows_that_it_was_given_also_when_it_is_run_again() {
        let mut connection = connection().await;
        for round in 0..3 {
            let mut script = Script::of_transaction();
            script.put(INSERT, &[10 + round, 20 + round]).unwrap();
            script.put(INSERT, &[0; 0]).unwrap();
            script.put(DOUBLE, &[20 + round]).unwrap();
            script.touch(DOUBLE, &[1_000]).unwrap();
            assert_eq!(script.run(&mut connection).await.unwrap(), "[10,20][20][1000]".len());
            assert_eq!(numbers(&mut connection).await, [10 + round, 2 * (20 + round)]);
            connection.execute("ROLLBACK").await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_statement_that_touches_too_few_is_refused_by_its_name() {
        let mut connection = connection().await;
        let mut script = Script::of_transaction();
        script.put(INSERT, &[1, 2]).unwrap();
        script.put(DOUBLE, &[2, 3]).unwrap();
        let fault = script.run(&mut connection).await.unwrap_err();
        assert!(
            matches!(&fault, WriteFault::Refused(why) if why.contains("1 of 2") && why.contains("UPDATE t")),
            "{fault}"
        );
        connection.execute("ROLLBACK").await.expect("what it began is still there to be rolled back");
        assert!(numbers(&mut connection).await.is_empty());
    }

    #[tokio::test]
    async fn nothing_is_run_behind_a_statement_that_fails() {
        let mut connection = connection().await;
        let mut script = Script::of_transaction();
        script.put(INSERT, &[1, 1]).unwrap();
        script.put(INSERT, &[7]).unwrap();
        let fault = script.run(&mut connection).await.unwrap_err();
        assert!(matches!(&fault, WriteFault::Refused(why) if why.contains("UNIQUE")), "{fault}");
        assert!(numbers(&mut connection).await.is_empty());
    }
}
