//! The catalogue of metrics: what each is called, which labels it has and what it says. A scrape takes names and help
//! from it, and a test makes `docs/reference/metrics.md`.

/// One metric.
#[derive(Debug, Clone, Copy)]
pub(super) struct Described {
    /// Its name; a counter's is without `_total`, which its series have.
    pub(super) name: &'static str,
    /// What a scrape says of it.
    pub(super) help: &'static str,
    /// Its type.
    #[cfg(test)]
    pub(super) kind: &'static str,
    /// Its labels.
    #[cfg(test)]
    pub(super) labels: &'static [&'static str],
    /// What the reference adds to the help, in Markdown; it may be empty.
    #[cfg(test)]
    pub(super) more: &'static str,
}

macro_rules! metrics {
    ($($Name:ident: $kind:literal $name:literal [$($label:literal),*] $help:literal, $more:literal;)+) => {
        $(pub(super) const $Name: Described = Described {
            name: $name,
            help: $help,
            #[cfg(test)]
            kind: $kind,
            #[cfg(test)]
            labels: &[$($label),*],
            #[cfg(test)]
            more: $more,
        };)+

        /// All metrics, in the order of the reference.
        #[cfg(test)]
        pub(super) const ALL: &[Described] = &[$($Name),+];
    };
}

metrics! {
    CERTIFICATES: "gauge" "certs_certificates" ["state", "reason", "issuer"]
        "Secrets for which routes ask, by state, by why they are wanted or held, and by the issuer that issues the next one",
        "States are `Scheduled`, `Ready`, `Running`, `BackOff` (failed), `Waiting` (something is not there yet), `Limited` (a limit of the CA), \
         `NotRestarted` and `NotServed` (stored, and looked at again) and `Held` (a rule). The reason is why it is ordered (`new`, `changed`, \
         `renewal`), and of `Held` the rule.";
    LIFE_LEFT: "histogram" "certs_life_left_ratio" []
        "The share of its life that each kept certificate has left, now; not a count over time",
        "The counts go down, so `rate()` says nothing of it.";
    LIFE_LEFT_WORST: "gauge" "certs_life_left_worst_ratio" ["namespace", "secret", "state"]
        "The share of their life that certificates have left, of the 50 that have the least", "";
    EXPIRY: "gauge" "certs_expiry_timestamp_seconds" ["namespace", "secret"]
        "When certificates end, of the 50 that end first", "";
    FAILURES: "gauge" "certs_failures" ["times"]
        "Certificates whose last orders failed, by how many in a row", "`times` is `1`, `2`, `3` or `4+`.";
    NOT_SERVED: "gauge" "certs_not_served" []
        "Certificates that are stored, and a restart or the look at what is served failed", "";
    WITHOUT_NAMES: "gauge" "certs_without_names" []
        "Certificates that were issued without new names that failed", "";
    ORDERS: "counter" "certs_orders" ["result"]
        "Orders that have ended, by how",
        "Results are `issued`, `issued_not_served`, `issued_without_names`, `waiting`, `limited`, `ca_down` and `failed`.";
    DEADLINE_MISSED: "counter" "certs_deadline_missed" []
        "Certificates that have ended without being renewed", "Since the process began.";
    LIMIT_REMAINING: "gauge" "certs_limit_remaining" ["limit", "of", "issuer"]
        "How much of a limit of the CA is left, by what is known here; of the account, and the worst of the others",
        "Limits are `orders` of the account, and `domain`, `same_names` and `failures`, of each the five that have the least left.";
    LIMIT_BURST: "gauge" "certs_limit_burst" ["limit", "of", "issuer"]
        "How much a limit of the CA permits at once", "";
    LEADER: "gauge" "certs_leader" []
        "Whether this replica orders", "";
    ORDERS_ALLOWED: "gauge" "certs_orders_allowed" []
        "Whether somebody has told it to order, and nobody to pause", "";
    PAUSED: "gauge" "certs_paused" []
        "Whether somebody has paused it", "";
    PAUSED_SINCE: "gauge" "certs_paused_since_timestamp_seconds" []
        "Since when it is paused; absent if it is not", "";
    ACCOUNT_MISSING: "gauge" "certs_account_missing" []
        "Whether there is no account, so that nothing is ordered", "";
    CA_UP: "gauge" "ca_up" ["issuer"]
        "Whether the CA answers, as far as orders have shown", "";
    NO_OTHER_CA: "gauge" "certs_no_other_ca" []
        "Certificates that could be ordered at no other CA, if the first one did not answer",
        "Only with `unattended.issuers`. The log, an Event and `kubectl certs why` say what is to be done.";
    REHEARSED: "gauge" "certs_change_rehearsed_timestamp_seconds" ["issuer"]
        "When a change to another CA was rehearsed last", "";
    REHEARSAL_PASSED: "gauge" "certs_change_rehearsal_passed" ["issuer"]
        "Whether the last rehearsal of a change to another CA passed", "";
    JUDGED: "gauge" "certs_last_full_judgement_timestamp_seconds" []
        "When everything was last judged", "";
    BUILD_INFO: "gauge" "certs_build_info" ["version"]
        "The version of the program, as a label", "";
    BEGAN: "gauge" "process_start_time_seconds" []
        "When the process began, in seconds since 1970", "";
    MEMORY: "gauge" "process_resident_memory_bytes" []
        "How much memory the process has", "Only on Linux.";
}
