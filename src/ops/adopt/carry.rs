//! Takes over what was kept down: the former keeper lets go, and once nothing has come back, this program takes it.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::sleep;

use super::{Context, Front, OpError, key_of, objects::resource};
use crate::{
    apply::{
        Api, ApiError, Patch, RunId, Slots,
        adopted::{self, CertificateBefore, ProgramBefore, Record, RouteBefore, SecretBefore, State, Which},
    },
    error::Blame,
    k8s::{Believed, Edit, Updated},
    object::{
        Key, annotation,
        resource::{CERTIFICATE, NAMESPACE, Resource, SECRET},
    },
};

/// How many groups are between their two keepers at once.
const AT_ONCE: usize = 20;
/// How long cert-manager has to see what has changed before it is looked whether anything has come back: its loops work from caches, and
/// write what these say.
const SETTLE: Duration = Duration::from_secs(1);
/// How often what comes back is taken away.
const ROUNDS: usize = 5;
/// How often a Certificate that changes is tried to be deleted.
const TRIES: usize = 5;

/// Carries it out.
pub(super) struct Carrier<'a> {
    pub(super) api: Api,
    pub(super) context: &'a Context,
    /// The namespace of the installation.
    pub(super) namespace: String,
    install: String,
    slots: Slots,
    pub(super) run: RunId,
}

impl<'a> Carrier<'a> {
    /// `namespace` is the installation's, and `install` its id, which nothing is claimed for that is given back.
    pub(super) fn new(api: Api, context: &'a Context, namespace: &str, install: String, slots: Slots) -> Self {
        Self {
            api,
            context,
            namespace: namespace.to_owned(),
            install,
            slots,
            run: RunId::random(),
        }
    }

    fn front(&self) -> &dyn Front {
        &**self.context.front()
    }

    /// Takes all of this over. Returns what is to blame for what failed, which was told; `done` counts the Secrets.
    pub(super) async fn adopt(&self, records: Vec<Record>, done: &mut usize) -> Result<Option<Blame>, OpError> {
        self.context.cancel.begin();
        let mut trouble = None;
        for batch in records.chunks(AT_ONCE) {
            let mut left = Vec::new();
            for record in batch {
                self.is_wanted()?;
                match self.let_go(record).await {
                    Ok(record) => left.push(record),
                    Err(error) => trouble = trouble.max(Some(self.failed(record, &error))),
                }
            }
            for _ in 0..ROUNDS {
                if left.is_empty() {
                    break;
                }
                self.settle().await?;
                let mut again = Vec::new();
                for record in left {
                    match self.take(&record).await {
                        Ok(true) => *done += record.secrets.len(),
                        Ok(false) => again.push(record),
                        Err(error) => trouble = trouble.max(Some(self.failed(&record, &error))),
                    }
                }
                left = again;
            }
            for record in &left {
                let error = OpError::new(Blame::Write, "its former keeper writes it again and again")
                    .hint("end the former keeper; running this again goes on");
                trouble = trouble.max(Some(self.failed(record, &error)));
            }
        }
        Ok(trouble)
    }

    /// Ends it where the user has asked for that.
    pub(super) fn is_wanted(&self) -> Result<(), OpError> {
        if !self.context.cancel.is_cancelled() {
            return Ok(());
        }
        Err(
            OpError::new(Blame::Interrupted, "interrupted half way: nothing has two keepers")
                .hint("`kubectl certs adopt` goes on; `kubectl certs adopt --undo` gives back what was taken"),
        )
    }

    async fn settle(&self) -> Result<(), OpError> {
        tokio::select! {
            () = sleep(SETTLE) => {}
            () = self.context.cancel.cancelled() => {}
        }
        self.is_wanted()
    }

    /// Tells that something failed of a group. Returns what is to blame.
    pub(super) fn failed(&self, record: &Record, error: &OpError) -> Blame {
        let name = record.name().map(|name| name.to_string()).unwrap_or_default();
        self.front().failed(&error.clone().after(&format!("Secret {name}")));
        error.blame
    }

    /// Keeps down what there is, and has the former keeper let it go. Returns what was kept down: of a run before, if there was one.
    async fn let_go(&self, record: &Record) -> Result<Record, OpError> {
        let record = self.keep_down(record).await?;
        for before in &record.routes {
            self.unask(before).await?;
        }
        for before in &record.programs {
            self.set(before, &before.meanwhile).await?;
        }
        for before in &record.certificates {
            self.delete(before, &record).await?;
        }
        for before in &record.secrets {
            self.unmark(before).await?;
        }
        Ok(record)
    }

    async fn keep_down(&self, record: &Record) -> Result<Record, OpError> {
        let Some((key, object)) = record
            .object(&self.namespace, &self.run)
            .map(|object| (key_of(&object), object))
        else {
            return Err(OpError::new(Blame::Write, "it cannot be kept down"));
        };
        let mut kept = None;
        let decide = |present: Option<&Value>| {
            let found = present.and_then(Record::read);
            match found {
                Some(found) if found.state != State::Done => {
                    kept = Some(found);
                    Ok(Edit::Nothing)
                }
                None if present.is_some() => Err(ApiError::AlreadyExists {
                    object: format!("Secret {key}"),
                }),
                // Somebody may have given it back by hand since it was kept down.
                Some(_) | None => Ok(Edit::Whole(object.clone())),
            }
        };
        self.api
            .update(SECRET, &key, Believed::Unknown, decide)
            .await
            .map_err(|error| OpError::because(&error))?;
        match kept {
            Some(kept) if kept.state == State::Returning => Err(OpError::new(
                Blame::Write,
                "it is being given back: `kubectl certs adopt --undo` goes on with that",
            )),
            Some(kept) => Ok(kept),
            None => Ok(record.clone()),
        }
    }

    /// Notes how far it is.
    pub(super) async fn note(&self, record: &Record, state: State) -> Result<(), OpError> {
        let record = Record {
            state,
            ..record.clone()
        };
        let Some(object) = record.object(&self.namespace, &self.run) else {
            return Ok(());
        };
        let decide = |present: Option<&Value>| {
            Ok::<_, ApiError>(match present.and_then(Record::read) {
                Some(found) if found.state != state => Edit::Whole(object.clone()),
                _ => Edit::Nothing,
            })
        };
        let written = self
            .api
            .update(SECRET, &key_of(&object), Believed::Unknown, decide)
            .await;
        written.map(drop).map_err(|error| OpError::because(&error))
    }

    /// Changes an object by what `patch` says of it as it is now. Nothing is done if it has gone, or another one has its name. Returns it
    /// as it is then.
    pub(super) async fn change(
        &self,
        which: &Which,
        mut patch: impl FnMut(&Value) -> Option<Value>,
    ) -> Result<Option<Value>, OpError> {
        let Some(resource) = resource(which) else {
            return Err(OpError::new(
                Blame::Write,
                format!("{which} is of a kind that is not known"),
            ));
        };
        let decide = |present: Option<&Value>| {
            let patch = present.filter(|object| which.is(object)).and_then(&mut patch);
            Ok::<_, ApiError>(patch.map_or(Edit::Nothing, |patch| Edit::Patch(Patch::Merge(patch))))
        };
        let changed = self.api.update(resource, &which.key(), Believed::Unknown, decide).await;
        match changed.map_err(|error| OpError::because(&error))? {
            Updated::Written(object) | Updated::Kept(object) => Ok(Some(object).filter(|object| which.is(object))),
            Updated::Absent => Ok(None),
        }
    }

    /// Takes from a route what asks cert-manager.
    async fn unask(&self, before: &RouteBefore) -> Result<(), OpError> {
        let patch = |object: &Value| {
            let present = &object["metadata"]["annotations"];
            let names = before.taken.keys().filter(|name| !present[name.as_str()].is_null());
            let gone: Map<String, Value> = names.map(|name| (name.clone(), Value::Null)).collect();
            (!gone.is_empty()).then(|| annotated(object, &gone))
        };
        self.change(&before.route, patch).await.map(drop)
    }

    /// Sets the field by which a program runs.
    pub(super) async fn set(&self, before: &ProgramBefore, value: &Value) -> Result<(), OpError> {
        let patch = |object: &Value| {
            let field = before.field.as_str();
            (object["spec"][field] != *value).then(|| {
                json!({
                    "metadata": {"resourceVersion": object["metadata"]["resourceVersion"]},
                    "spec": {field: value},
                })
            })
        };
        self.change(&before.program, patch).await.map(drop)
    }

    /// Deletes a Certificate, and one that cert-manager has made anew of a route that it had in its cache.
    async fn delete(&self, before: &CertificateBefore, record: &Record) -> Result<(), OpError> {
        let key = before.certificate.key();
        for _ in 0..TRIES {
            let found = self.get(CERTIFICATE, &key).await?;
            let Some(found) = found else { return Ok(()) };
            if !before.certificate.is(&found) && !is_of_routes(&found, record) {
                return Err(
                    OpError::new(Blame::Write, format!("somebody has made Certificate {key} anew"))
                        .hint("running this again judges it anew"),
                );
            }
            let conditions = found["status"]["conditions"].as_array().into_iter().flatten();
            let mut conditions = conditions.filter(|one| one["type"] == "Issuing");
            if conditions.any(|one| one["status"] == "True") {
                return Err(
                    OpError::new(Blame::Write, format!("cert-manager issues Certificate {key} right now"))
                        .hint("running this again goes on, once it has ended"),
                );
            }
            if found["metadata"]["deletionTimestamp"].is_null() {
                for before in &record.secrets {
                    self.guard(before).await?;
                }
                let deleted = self.api.delete_version(CERTIFICATE, &found).await;
                deleted.map_err(|error| OpError::because(&error))?;
            } else {
                sleep(SETTLE).await;
            }
        }
        Err(OpError::new(Blame::Write, format!("Certificate {key} does not go")).hint("see its finalizers"))
    }

    /// Keeps a Secret that cert-manager has made its Certificate's from going with it.
    async fn guard(&self, before: &SecretBefore) -> Result<(), OpError> {
        let secret = self.get(SECRET, &before.secret.key()).await?;
        if secret.is_none_or(|secret| adopted::guard(&secret, &Value::Null).is_none()) {
            return Ok(());
        }
        let namespace = Key::new("", before.secret.namespace.clone());
        let Some(namespace) = self.get(NAMESPACE, &namespace).await? else {
            return Ok(());
        };
        let patch = |object: &Value| adopted::guard(object, &namespace);
        self.change(&before.secret, patch).await.map(drop)
    }

    async fn unmark(&self, before: &SecretBefore) -> Result<(), OpError> {
        let patch = |object: &Value| adopted::unmark(object, &self.slots, before.is_of_program);
        match self.change(&before.secret, patch).await? {
            Some(_) => Ok(()),
            None => Err(OpError::new(Blame::Write, format!("{} is gone", before.secret))),
        }
    }

    /// Takes what has been let go. `false` if something of the former keeper has come back, which was taken away again.
    async fn take(&self, record: &Record) -> Result<bool, OpError> {
        let mut is_free = true;
        for before in &record.certificates {
            if self.get(CERTIFICATE, &before.certificate.key()).await?.is_some() {
                self.delete(before, record).await?;
                is_free = false;
            }
        }
        for before in &record.secrets {
            let found = self.get(SECRET, &before.secret.key()).await?;
            let is_marked = |secret: &Value| !adopted::marks(secret, &self.slots, before.is_of_program).is_empty();
            if found.as_ref().is_some_and(is_marked) {
                self.unmark(before).await?;
                is_free = false;
            }
        }
        if !is_free {
            return Ok(false);
        }
        for before in &record.secrets {
            // Never over a mark that has come back since it was looked.
            let patch = |object: &Value| {
                let is_marked = !adopted::marks(object, &self.slots, before.is_of_program).is_empty();
                let claim = adopted::claim(object, before, &self.install, crate::clock::now());
                claim.filter(|_| !is_marked)
            };
            match self.change(&before.secret, patch).await? {
                Some(object) if object["metadata"]["annotations"][annotation::CLAIM] == self.install.as_str() => {}
                Some(_) => return Ok(false),
                None => return Err(OpError::new(Blame::Write, format!("{} is gone", before.secret))),
            }
        }
        for before in record.routes.iter().filter(|one| one.is_asked) {
            let wanted = Map::from_iter([(annotation::TLS_ACME.to_owned(), Value::from("true"))]);
            let patch = |object: &Value| {
                let is_asked = object["metadata"]["annotations"][annotation::TLS_ACME] == "true";
                (!is_asked).then(|| annotated(object, &wanted))
            };
            self.change(&before.route, patch).await?;
        }
        self.note(record, State::Done).await?;
        Ok(true)
    }

    pub(super) async fn get(&self, resource: Resource, key: &Key) -> Result<Option<Value>, OpError> {
        self.api
            .get(resource, key)
            .await
            .map_err(|error| OpError::because(&error))
    }
}

/// Whether a Certificate was made of the annotation of one of these routes.
fn is_of_routes(certificate: &Value, record: &Record) -> bool {
    let mut owners = certificate["metadata"]["ownerReferences"]
        .as_array()
        .into_iter()
        .flatten();
    owners.any(|owner| {
        record
            .routes
            .iter()
            .any(|before| owner["uid"] == before.route.uid.as_str())
    })
}

/// A patch of annotations, for the version that was read.
pub(super) fn annotated(object: &Value, annotations: &Map<String, Value>) -> Value {
    let meta = &object["metadata"];
    json!({"metadata": {"resourceVersion": meta["resourceVersion"], "annotations": annotations}})
}
