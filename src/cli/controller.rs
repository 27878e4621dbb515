//! `controller`, `pause` and `resume`.

use crate::{
    cli::failure::Exit,
    clock::{now, seconds},
    controller::{self, audit::Audit, serve::Listening, state},
    engine::cancel::Cancel,
    ops::{
        Cluster, Config, Context, OpError,
        pause::{self, Pause, Told},
    },
    text::date_time,
};

use super::{
    args::controller::{ControllerCommand, PauseCommand, PlaceArgs, ResumeCommand},
    front::Terminal,
    note,
};

/// `controller`.
pub(super) async fn run(command: ControllerCommand, cancel: Cancel) -> Result<Exit, OpError> {
    let request = controller::Request {
        order: command.order()?,
    };
    let options = command.source.connection.options();
    let audit = Audit::new(std::io::stdout());
    cancel.begin();
    let (asking, asked) = state::asking();
    // Before anything is read: an address that is taken is told at once, and probes are answered from the beginning.
    let is_in_pod = std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
    let serving = if command.listen.is_some() || is_in_pod {
        let serving = Listening::on(command.listen).await?.answer(asking, cancel.clone())?;
        audit.line([
            ("event", "listening".into()),
            ("address", serving.address().to_string().into()),
        ]);
        Some(serving)
    } else {
        None
    };
    let ended = Box::pin(controller::run(
        request,
        options,
        command.config(),
        cancel,
        audit,
        asked,
    ))
    .await;
    if let Some(serving) = serving {
        serving.end().await;
    }
    ended.map(|()| Exit::Ok)
}

/// `pause`.
pub(super) async fn pause(command: PauseCommand) -> Result<Exit, OpError> {
    let until = command.length.map(|length| now().saturating_add(seconds(length.0)));
    let told = Told::Pause(Pause {
        reason: command.reason,
        until,
        ..Pause::default()
    });
    tell(&command.place, told).await?;
    let until = until.map_or_else(
        || "until `kubectl certs resume`".to_owned(),
        |at| format!("until {}", date_time(at)),
    );
    note(&format!(
        "the controller in namespace {} orders nothing {until}; what is under way is finished",
        command.place.namespace
    ));
    Ok(Exit::Ok)
}

/// `resume`.
pub(super) async fn resume(command: ResumeCommand) -> Result<Exit, OpError> {
    let before = tell(&command.place, Told::Order).await?;
    let namespace = &command.place.namespace;
    note(&match before {
        Told::Order => format!("the controller in namespace {namespace} was told to order before"),
        Told::Nothing => format!("the controller in namespace {namespace} may order"),
        Told::Pause(pause) => format!(
            "the controller in namespace {namespace} may order again; it was paused since {}: {}",
            date_time(pause.at),
            pause.reason
        ),
    });
    Ok(Exit::Ok)
}

async fn tell(place: &PlaceArgs, told: Told) -> Result<Told, OpError> {
    let context = Context::new(
        Cluster::new(place.connection.options(), Terminal::telling()),
        Config::default(),
        Cancel::never(),
    );
    let request = pause::Request {
        namespace: place.namespace.clone(),
        told,
    };
    pause::run(&request, &context).await
}
