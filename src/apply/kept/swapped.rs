//! The kept pair after a rollback: the former pair is the present one again.

use serde_json::{Value, json};

use super::{Data, FORMER, KeepError, Keeping, Kept, PRESENT, RECORD, Record, SECRET, told};
use crate::{
    apply::{
        Api, Purpose, RunId, backup, mark,
        secret::{self, REVOKED},
    },
    k8s::{Believed, Edit},
    object::{Key, Seconds},
    plan::tenure::Tenure,
    x509::Fingerprint,
};

/// Has the former kept pair of a Secret be the present one, with one more annotation, and the other way round. Does nothing
/// unless the pair with the leaf `refused` is the present one. Call it before the Secret is written, as [`super::keep`].
///
/// # Errors
///
/// The kept pair is another install's, or the cluster refuses the write. The Secret must not be written then.
pub async fn swap(
    api: &Api,
    keeping: &Keeping,
    of: &Key,
    refused: Fingerprint,
    why: (&str, &str),
    run: &RunId,
    now: Seconds,
) -> Result<(), KeepError> {
    api.update(SECRET, &keeping.key(of), Believed::Unknown, |present| {
        let Some(kept) = present
            .map(|object| Kept::of(object, keeping, of))
            .transpose()?
            .flatten()
        else {
            return Ok(Edit::Nothing);
        };
        if kept.claim != keeping.claim {
            return Err(KeepError::Claimed {
                secret: of.clone(),
                claim: kept.claim,
                at: keeping.key(of),
            });
        }
        let is_it = kept.present.sha256 == refused;
        let swapped = swapped(&kept, keeping, of, why, run, now).filter(|_| is_it);
        Ok(swapped.map_or(Edit::Nothing, Edit::Whole))
    })
    .await
    .map(drop)
}

/// The object that keeps the pairs the other way round; `None` if there is no former one.
fn swapped(kept: &Kept, keeping: &Keeping, of: &Key, why: (&str, &str), run: &RunId, now: Seconds) -> Option<Value> {
    let (refused, former) = (&kept.present, kept.former.as_ref()?);
    let at = keeping.key(of);
    let mut annotations = former.annotations.clone();
    annotations.insert(why.0.to_owned(), why.1.into());
    let mut history = kept.history.clone();
    let left = refused.not_after.saturating_sub(now);
    history.begin(Tenure {
        back: true,
        ..Tenure::new(&former.sha256, now, former.not_after, Some(left))
    });
    let record = Record {
        claim: kept.claim.clone(),
        slots: (kept.slots.certificate.clone(), kept.slots.key.clone()),
        present: annotations,
        former: refused.annotations.clone(),
        issuances: kept.issuances.clone(),
        history,
    };
    let data = Data::from([
        (PRESENT[0].to_owned(), former.chain.clone()),
        (PRESENT[1].to_owned(), former.key.clone()),
        (FORMER[0].to_owned(), refused.chain.clone()),
        (FORMER[1].to_owned(), refused.key.clone()),
        (RECORD.to_owned(), serde_json::to_vec(&record).ok()?.into()),
    ]);
    let mut object = json!({
        "apiVersion": "v1", "kind": "Secret", "type": backup::TYPE,
        "metadata": {"namespace": at.namespace.as_str(), "name": at.name.as_str()},
        "data": secret::encoded(&data),
    });
    mark::mark_lasting(&mut object, run, Purpose::Kept, of);
    let mut annotate = |name: &str, value: &str| mark::set(&mut object, "annotations", name, value);
    annotate(backup::HOLDS, &former.sha256.to_string());
    for (name, value) in told(&record.present) {
        annotate(name, value);
    }
    annotate(backup::HELD, &refused.sha256.to_string());
    // What is known of a revocation stays known.
    if let Some(revoked) = &kept.revoked {
        annotate(REVOKED, revoked);
    }
    Some(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        apply::{
            kept::tests::{keeping, kept_of},
            pair::tests::NOW,
        },
        x509::testing::Authority,
    };

    #[test]
    fn the_former_pair_is_the_present_one_again_and_what_was_issued_stays_counted() {
        let root = Authority::root("Root");
        let (new, former) = (root.leaf("a.example"), root.leaf("a.example"));
        let kept = kept_of(&new, &former, "install-1", None);
        let of = Key::new("shop", "shop-tls");
        let why = ("kubectl-certs.io/rolled-back", "because");
        let object = swapped(&kept, &keeping(), &of, why, &RunId::random(), NOW).unwrap();
        let again = Kept::of(&object, &keeping(), &of).unwrap().unwrap();
        assert_eq!(again.present.sha256, Fingerprint::of(&former.der));
        assert_eq!(again.present.annotations["kubectl-certs.io/rolled-back"], "because");
        assert_eq!(again.former.as_ref().unwrap().sha256, Fingerprint::of(&new.der));
        assert_eq!(again.issuances, kept.issuances);
        assert_eq!(again.claim, "install-1");
        let present = again.history.present().unwrap();
        assert_eq!((present.back, present.is_renewal()), (true, false));
        assert_eq!(again.history.tenures.len(), 2);
        // Twice is as it was, but for the reason.
        assert_eq!(
            object["metadata"]["annotations"]["kubectl-certs.io/directory"],
            Value::Null,
            "nobody noted it"
        );
        let twice = swapped(&again, &keeping(), &of, why, &RunId::random(), NOW).unwrap();
        let annotations = &twice["metadata"]["annotations"];
        assert_eq!(
            annotations["kubectl-certs.io/directory"],
            "https://ca.example/directory"
        );
        assert_eq!(annotations["kubectl-certs.io/sha256"], kept.present.sha256.to_string());
        let twice = Kept::of(&twice, &keeping(), &of).unwrap().unwrap();
        assert_eq!(twice.present.sha256, kept.present.sha256);
    }
}
