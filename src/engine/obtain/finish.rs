//! The end of an order: the request, and the certificate or the reason why there is none.

use std::{collections::BTreeMap, time::Duration};

use super::{ObtainError, OrderRequest};
use crate::{
    acme::{AcmeError, Authorization, AuthorizationStatus, Order, OrderStatus, Wish},
    apply::key::{COMMON_NAME, common_name},
    engine::{
        authority::Permitted,
        authorize::{Refused, why},
    },
    event::EventKind,
    name::Name,
    plan::Names,
};

/// How long the CA may take to issue a certificate.
const PATIENCE: Duration = Duration::from_mins(3);
/// How long an order without authorizations may take to become ready.
const UNPROVED: Duration = Duration::from_secs(10);

impl OrderRequest<'_> {
    /// Waits until an order can be finalized, and writes into the journal that it is about to be. So no run finalizes an
    /// order that another one has taken over, and the next run knows that there may be a certificate.
    pub(super) async fn claim(&self, order: &mut Order, wish: &Wish) -> Result<(), ObtainError> {
        if order.status == OrderStatus::Pending {
            *order = self.ready(order, wish).await?;
        }
        let _permitted = self.authority.permit()?;
        Ok(self.journal.note(|entry| entry.finalizing = true).await?)
    }

    /// Takes an order from its claim to its valid state.
    pub(super) async fn finish(&self, order: &mut Order, names: &Names, wish: &Wish) -> Result<Order, ObtainError> {
        if order.status == OrderStatus::Ready {
            let request = self.key.request(&names.order, self.common_name(names).as_deref())?;
            *order = self.finalize(order, &request, self.authority.permit()?).await?;
        }
        if order.status == OrderStatus::Processing {
            *order = self.client().wait_order(&order.url, PATIENCE, wish).await?;
        }
        if order.status == OrderStatus::Valid {
            return Ok(order.clone());
        }
        match &order.error {
            Some(error) => Err(ObtainError::Order(error.to_string())),
            None if order.status == OrderStatus::Invalid => Err(self.unexplained(order, names).await),
            None => Err(ObtainError::Order(format!("it is {:?}", order.status).to_lowercase())),
        }
    }

    async fn finalize(&self, order: &Order, request: &[u8], _permitted: Permitted) -> Result<Order, AcmeError> {
        self.client().finalize(order, request).await
    }

    /// Waits for an order whose names are proved. One that has nothing to prove becomes ready soon, or never.
    async fn ready(&self, order: &Order, wish: &Wish) -> Result<Order, ObtainError> {
        let nothing = order.authorizations.is_empty();
        let patience = if nothing { UNPROVED } else { PATIENCE };
        match self.client().wait_ready(&order.url, patience, wish).await {
            Err(AcmeError::StillWaiting { .. }) if nothing => Err(ObtainError::Order(
                "it is pending, and has no authorization that could be proved".to_owned(),
            )),
            ready => Ok(ready?),
        }
    }

    /// Why an order failed that does not say so itself: what its authorizations say.
    async fn unexplained(&self, order: &Order, names: &Names) -> ObtainError {
        let read = self
            .proving
            .authorizations(order, &names.order)
            .await
            .unwrap_or_default();
        let failed = read.iter().filter(|one| match one.status {
            AuthorizationStatus::Valid => false,
            AuthorizationStatus::Pending => one.failure().is_some(),
            _ => true,
        });
        let said = |one: &Authorization| {
            let detail = why(one);
            (one.ordered(), Refused::Ca { detail, method: None })
        };
        let failed: BTreeMap<Name, Refused> = failed.map(said).collect();
        if failed.is_empty() {
            return ObtainError::Order("it is invalid, and neither it nor its authorizations say why".to_owned());
        }
        ObtainError::Names(failed)
    }

    /// The common name for the request, where the issuer wants one.
    fn common_name(&self, names: &Names) -> Option<String> {
        if !self.common_name {
            return None;
        }
        let found = common_name(&names.order);
        if found.is_none() {
            self.proving.tell.tell(EventKind::Note {
                text: format!("no name has {COMMON_NAME} octets or fewer: the request has no common name"),
            });
        }
        found
    }
}
