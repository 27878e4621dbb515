//! The tables, which the program makes itself, and their version.
//!
//! They are made in the first schema of the user's `search_path`; all names begin with `kubectl_certs_`.

use super::pool::{Pool, refused};
use crate::domains::store::StoreError;

/// What each version adds to the one before.
///
/// `changed` is the transaction of the last change: what a watch reads is bounded by the oldest one that has not ended, so that
/// no commit is passed over, in whichever order they come.
const VERSIONS: &[&str] = &["
    CREATE SEQUENCE kubectl_certs_version;
    CREATE TABLE kubectl_certs_domains (
        host text COLLATE \"C\" PRIMARY KEY CHECK (length(host) BETWEEN 1 AND 253),
        tenant text COLLATE \"C\" NOT NULL CHECK (length(tenant) BETWEEN 1 AND 63),
        record jsonb NOT NULL,
        version bigint NOT NULL DEFAULT nextval('kubectl_certs_version'),
        changed xid8 NOT NULL DEFAULT pg_current_xact_id(),
        due bigint NOT NULL,
        claimed_by text,
        claimed_until bigint NOT NULL DEFAULT 0,
        serial text,
        chain text,
        key bytea
    );
    CREATE INDEX kubectl_certs_domains_due ON kubectl_certs_domains (due, host);
    CREATE INDEX kubectl_certs_domains_changed ON kubectl_certs_domains (changed, host);
    CREATE INDEX kubectl_certs_domains_tenant ON kubectl_certs_domains (tenant, host);
"];

/// A number that no other application locks: the first bytes of the SHA-256 of `kubectl-certs.io/domains`.
const LOCK: i64 = 0x218f_c4d8_abc9_b391;

/// Makes the tables, or brings them up to the present version. Several processes may do so at once.
///
/// # Errors
///
/// The database refuses, or has tables of a newer release.
pub(super) async fn prepare(pool: &Pool) -> Result<(), StoreError> {
    let mut client = pool.connect().await?;
    let transaction = client.transaction().await.map_err(|error| refused(&error))?;
    let lock = format!("SELECT pg_advisory_xact_lock({LOCK})");
    let begin = [
        lock.as_str(),
        "SET LOCAL client_min_messages = warning",
        "CREATE TABLE IF NOT EXISTS kubectl_certs_schema (version integer NOT NULL)",
    ];
    for statement in begin {
        transaction
            .batch_execute(statement)
            .await
            .map_err(|error| refused(&error))?;
    }
    let found = transaction
        .query_typed("SELECT coalesce(max(version), 0) FROM kubectl_certs_schema", &[])
        .await
        .map_err(|error| refused(&error))?;
    let found: i32 = found.first().and_then(|row| row.try_get(0).ok()).unwrap_or_default();
    let found = usize::try_from(found).unwrap_or_default();
    if found > VERSIONS.len() {
        return Err(StoreError::Database(format!(
            "has tables of version {found}, and this release knows {}: run the release that made them, or a later one",
            VERSIONS.len()
        )));
    }
    for (at, statements) in VERSIONS.iter().enumerate().skip(found) {
        let note = format!("INSERT INTO kubectl_certs_schema VALUES ({})", at + 1);
        for statement in [statements, note.as_str()] {
            transaction
                .batch_execute(statement)
                .await
                .map_err(|error| refused(&error))?;
        }
    }
    // A dump was restored into a server whose transactions have lower numbers: its rows would be news for ever.
    let is_restored = transaction
        .query_typed(
            "SELECT changed > pg_current_xact_id() FROM kubectl_certs_domains ORDER BY changed DESC LIMIT 1",
            &[],
        )
        .await
        .map_err(|error| refused(&error))?;
    if is_restored.first().is_some_and(|row| row.try_get(0).unwrap_or(false)) {
        transaction
            .batch_execute("UPDATE kubectl_certs_domains SET changed = pg_current_xact_id()")
            .await
            .map_err(|error| refused(&error))?;
    }
    transaction.commit().await.map_err(|error| refused(&error))
}
