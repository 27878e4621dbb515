//! `account`: the accounts with CAs, where they are kept, and what a CA says of one.

mod import;

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::{
    acme::{Account, AccountKey, AccountStatus, Acme},
    cli::failure::Exit,
    engine::cancel::Cancel,
    ops::{Cluster, Context, OpError, front::Waiting, issuance::Terms},
    settings::{
        Settings,
        account::{self, AccountError, Ready},
        layer::Layer,
        name_of,
        store::{Kept, Store},
    },
    text::{Clear, date},
};

use super::{
    args::issue::{AccountAction, AccountArgs, AccountCommand, UpdateArgs},
    ask::confirm,
    config::json_document,
    front::Terminal,
    note, print_text,
    settings::ca_layer,
};

pub(super) async fn run(command: AccountCommand) -> Result<Exit, OpError> {
    match command.action {
        AccountAction::Show(args) => show(&args).await,
        AccountAction::Register(args) => register(&args).await,
        AccountAction::Update(args) => update(&args).await,
        AccountAction::Import(args) => import::run(&args).await,
        AccountAction::Rollover(args) => rollover(&args).await,
        AccountAction::Deactivate(args) => deactivate(&args).await,
    }
}

/// What every action begins with.
struct Opened {
    layers: Vec<Layer>,
    settings: Settings,
    context: Context,
    store: Store,
}

impl Opened {
    async fn of(args: &AccountArgs) -> Result<Self, OpError> {
        let context = Context::new(
            Cluster::new(args.connection.options(), Terminal::asking(args.yes)),
            args.ca.settings.config(),
            Cancel::never(),
        );
        let layers = context.layers(ca_layer(&args.ca)?).await?;
        let settings = Settings::of(&layers).map_err(|error| OpError::because(&error))?;
        let store = context.store(&settings.chosen).await?;
        Ok(Self {
            layers,
            settings,
            context,
            store,
        })
    }

    /// The chosen CA. Accounts are not a matter for a default.
    async fn acme(&self) -> Result<Acme, OpError> {
        if self.settings.chosen.rehearsal {
            return Err(OpError::usage("no CA is chosen")
                .hint("choose with --staging, --production, --issuer NAME or --directory-url URL"));
        }
        let _waiting = self.context.front().wait_for_ca(self.name());
        Acme::open(&self.settings.chosen.issuer)
            .await
            .map_err(|error| failed(error.into()))
    }

    /// Says who does not answer: the API server where the account is in a Secret and it has never answered, or the CA.
    fn waiting(&self) -> Waiting {
        let server = match &self.store {
            Store::Secret(api, _) => Some(api.connection().clone()),
            Store::Local(_) => None,
        };
        let name = self.name().to_owned();
        self.context.front().wait(move || match &server {
            Some(server) if !server.has_answered() => {
                format!("waiting for the API server {} to answer", server.server)
            }
            _ => format!("waiting for the CA {name} to answer"),
        })
    }

    fn name(&self) -> &str {
        &self.settings.chosen.issuer.name
    }
}

// By value, as `map_err` hands it on.
#[allow(clippy::needless_pass_by_value)]
fn failed(error: AccountError) -> OpError {
    OpError::because(&error)
}

/// An account as it is shown.
struct ShownAccount {
    name: Option<String>,
    directory: String,
    url: Option<String>,
    status: Option<AccountStatus>,
    contact: Vec<String>,
    created: Option<i64>,
    thumbprint: Option<String>,
    place: Option<String>,
    new_key: bool,
}

impl ShownAccount {
    fn of(kept: &Kept, layers: &[Layer], store: &Store) -> Self {
        let account = &kept.account;
        Self {
            name: name_of(layers, &account.directory),
            directory: account.directory.clone(),
            url: account.url.clone(),
            status: None,
            contact: account.contact.clone(),
            created: Some(account.created),
            thumbprint: AccountKey::from_pem(&account.key).ok().map(|key| key.thumbprint()),
            place: Some(store.place(&account.directory)),
            new_key: kept.pending.is_some(),
        }
    }

    /// With what the CA says. One that says nothing of contacts keeps none, or does not show them.
    fn seen(mut self, account: &Account) -> Self {
        self.url = Some(account.url.clone());
        self.status = Some(account.status);
        if !account.contact.is_empty() {
            self.contact.clone_from(&account.contact);
        }
        self
    }

    fn text(&self) -> String {
        let name = self.name.clone().unwrap_or_else(|| self.directory.clone());
        let mut out = format!("{}\n", Clear(&name));
        let mut line = |what: &str, value: &str| {
            let _ = writeln!(out, "  {what:<11}{}", Clear(value));
        };
        line("directory", &self.directory);
        line("account", self.url.as_deref().unwrap_or("not registered yet"));
        if let Some(status) = self.status {
            line("status", word(status));
        }
        let contact: Vec<&str> = self
            .contact
            .iter()
            .map(|c| c.strip_prefix("mailto:").unwrap_or(c))
            .collect();
        line(
            "contact",
            if contact.is_empty() {
                "none".to_owned()
            } else {
                contact.join(", ")
            }
            .as_str(),
        );
        if let Some(created) = self.created {
            line("created", &date(created));
        }
        if let Some(thumbprint) = &self.thumbprint {
            line("thumbprint", thumbprint);
        }
        if let Some(place) = &self.place {
            line("kept in", place);
        }
        if self.new_key {
            line("new key", "a rollover was begun; the next run finds out how it ended");
        }
        out
    }

    fn json(&self) -> Value {
        json!({
            "issuer": self.name, "directory": self.directory, "url": self.url, "status": self.status.map(word),
            "contact": self.contact, "created": self.created.map(crate::text::date_time),
            "thumbprint": self.thumbprint, "keptIn": self.place, "rolloverBegun": self.new_key,
        })
    }
}

fn word(status: AccountStatus) -> &'static str {
    match status {
        AccountStatus::Valid => "valid",
        AccountStatus::Deactivated => "deactivated",
        AccountStatus::Revoked => "revoked",
        AccountStatus::Unknown => "unknown",
    }
}

fn report(args: &AccountArgs, shown: &ShownAccount) -> Result<Exit, OpError> {
    if args.output.is_some() {
        let mut document = json!({"apiVersion": "kubectl-certs/v1", "kind": "Account"});
        if let (Some(all), Value::Object(fields)) = (document.as_object_mut(), shown.json()) {
            all.extend(fields);
        }
        return json_document(&document);
    }
    print_text(&shown.text())
}

/// The account as the CA shows it; says where it is, if that is not where it was kept.
async fn of_ca(ready: &Ready) -> Result<Account, OpError> {
    let account = ready.client.account().await.map_err(|error| failed(error.into()))?;
    if let Some(url) = ready.client.take_moved() {
        note(&format!("the CA has the account at {url} now, which is kept"));
    }
    Ok(account)
}

async fn show(args: &AccountArgs) -> Result<Exit, OpError> {
    let opened = Opened::of(args).await?;
    if !opened.settings.chosen.rehearsal {
        let acme = opened.acme().await?;
        let _waiting = opened.waiting();
        let ready = account::existing(&acme, &opened.settings.chosen, &opened.store)
            .await
            .map_err(failed)?;
        let account = of_ca(&ready).await?;
        let mut shown = ShownAccount::of(&ready.kept, &opened.layers, &opened.store).seen(&account);
        shown.name = Some(opened.name().to_owned());
        return report(args, &shown);
    }
    let waiting = opened.waiting();
    let all = opened.store.list().await;
    drop(waiting);
    let all = all.map_err(|error| failed(error.into()))?;
    let mut exit = Exit::Ok;
    let mut shown = Vec::new();
    for one in all {
        match one {
            Ok(kept) => shown.push(ShownAccount::of(&kept, &opened.layers, &opened.store)),
            Err(error) => {
                let failure = failed(error.into());
                super::failed(&failure);
                exit = exit.max(failure.blame.into());
            }
        }
    }
    if args.output.is_some() {
        let items: Vec<Value> = shown.iter().map(ShownAccount::json).collect();
        json_document(&json!({"apiVersion": "kubectl-certs/v1", "kind": "AccountList", "items": items}))?;
    } else if shown.is_empty() && exit == Exit::Ok {
        note("there are no accounts");
        super::hint("`kubectl certs account register --staging` creates one; `renew` does so by itself");
    } else {
        print_text(&shown.iter().map(ShownAccount::text).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(exit)
}

async fn register(args: &AccountArgs) -> Result<Exit, OpError> {
    let opened = Opened::of(args).await?;
    let acme = opened.acme().await?;
    let chosen = &opened.settings.chosen;
    let _waiting = opened.waiting();
    let ready = account::register_again(
        &acme,
        chosen,
        &opened.store,
        &opened.context.cluster,
        &Terms(opened.context.front()),
    )
    .await
    .map_err(failed)?;
    let account = of_ca(&ready).await?;
    note(&format!(
        "{} {} an account",
        opened.name(),
        if ready.registered { "has" } else { "already has" }
    ));
    let mut shown = ShownAccount::of(&ready.kept, &opened.layers, &opened.store).seen(&account);
    shown.name = Some(opened.name().to_owned());
    report(args, &shown)
}

async fn update(command: &UpdateArgs) -> Result<Exit, OpError> {
    let args = &command.account;
    let opened = Opened::of(args).await?;
    let contact = if command.no_email {
        Vec::new()
    } else {
        opened.settings.chosen.issuer.contact.clone()
    };
    if contact.is_empty() && !command.no_email {
        return Err(
            OpError::usage("no address is set").hint("--email ADDRESS sets one, --no-email removes it from the CA")
        );
    }
    let acme = opened.acme().await?;
    let _waiting = opened.waiting();
    let (ready, account) = account::update(&acme, &opened.settings.chosen, &opened.store, &contact)
        .await
        .map_err(failed)?;
    let mut shown = ShownAccount::of(&ready.kept, &opened.layers, &opened.store).seen(&account);
    shown.name = Some(opened.name().to_owned());
    report(args, &shown)
}

async fn rollover(args: &AccountArgs) -> Result<Exit, OpError> {
    let opened = Opened::of(args).await?;
    let acme = opened.acme().await?;
    let waiting = opened.waiting();
    let held = account::existing(&acme, &opened.settings.chosen, &opened.store)
        .await
        .map_err(failed)?;
    drop(waiting);
    let question = format!("Replace the key of the account {}?", held.client.account_url());
    if !confirm(&question, args.yes)? {
        return Err(OpError::usage("nothing was changed"));
    }
    let _waiting = opened.waiting();
    let ready = account::rollover(&acme, &opened.settings.chosen, &opened.store)
        .await
        .map_err(failed)?;
    note(&format!("the account with {} has a new key", opened.name()));
    let mut shown = ShownAccount::of(&ready.kept, &opened.layers, &opened.store);
    shown.name = Some(opened.name().to_owned());
    report(args, &shown)
}

/// What has become of the key of an account that has ended.
fn key_fate(ended: &account::Deactivated) -> String {
    let stays = "what another run has stored in its place meanwhile stays";
    if ended.aside.is_empty() {
        return if ended.replaced {
            format!("and {stays}")
        } else {
            "and its key has been deleted".to_owned()
        };
    }
    let places = ended.aside.join(" and ");
    let text = format!("as the CA's messages say without showing its status: its key is kept in {places}");
    if ended.replaced {
        format!("{text}; {stays}")
    } else {
        text
    }
}

async fn deactivate(args: &AccountArgs) -> Result<Exit, OpError> {
    let opened = Opened::of(args).await?;
    let acme = opened.acme().await?;
    let _waiting = opened.waiting();
    let ready = account::existing(&acme, &opened.settings.chosen, &opened.store)
        .await
        .map_err(failed)?;
    let question = format!("End the account {} for good?", ready.client.account_url());
    if !confirm(&question, args.yes)? {
        return Err(OpError::usage("nothing was changed"));
    }
    let ended = account::deactivate(&acme, &opened.store, &ready)
        .await
        .map_err(failed)?;
    note(&format!(
        "the account with {} has ended, {}",
        opened.name(),
        key_fate(&ended)
    ));
    let mut shown = ShownAccount::of(&ready.kept, &opened.layers, &opened.store).seen(&ended.account);
    shown.name = Some(opened.name().to_owned());
    shown.place = None;
    report(args, &shown)
}
