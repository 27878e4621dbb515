//! `respond`: answers HTTP-01 challenges from inside of the cluster, or looks from there whether they are answered.

use std::{future::Future, io, net::SocketAddr};

use tokio::net::TcpListener;

use crate::{
    cli::failure::Exit,
    error::Blame,
    net::server::listen_everywhere,
    ops::OpError,
    solve::http01::{check::Question, is_token, responder::serve},
    system::{SignalListener, SystemSignal},
};

use super::{args::respond::RespondArgs, note, print};

pub(super) async fn run(args: RespondArgs) -> Result<Exit, OpError> {
    // Before anything is served: a container's first process gets no signal that it has no handler for.
    let stop = told_to_stop()?;
    if let (Some(host), Some(token)) = (args.check.clone(), args.token.clone()) {
        tokio::select! {
            () = stop => return Ok(Exit::Ok),
            result = look(&args, host, token) => return result,
        }
    }
    let listener = listen(&args).await.map_err(|error| {
        OpError::new(Blame::Usage, format!("cannot listen on port {}: {error}", args.port))
            .hint("name another with --port")
    })?;
    if let Ok(address) = listener.local_addr() {
        note(&format!("answering challenges on {address}"));
    }
    let deadline = tokio::time::sleep(args.deadline);
    serve(listener, args.thumbprint, async {
        tokio::select! {
            () = stop => {}
            () = deadline => {}
        }
    })
    .await;
    Ok(Exit::Ok)
}

async fn listen(args: &RespondArgs) -> io::Result<TcpListener> {
    match args.address {
        Some(address) => TcpListener::bind(SocketAddr::new(address, args.port)).await,
        None => listen_everywhere(args.port).await,
    }
}

async fn look(args: &RespondArgs, host: String, token: String) -> Result<Exit, OpError> {
    if !is_token(&token) {
        return Err(OpError::usage("--token is not base64url"));
    }
    let question = Question {
        host,
        token,
        thumbprint: args.thumbprint.to_string(),
        addresses: args.route_address.iter().map(Into::into).collect(),
        limit: args.deadline,
    };
    let line = question.answer().await.line();
    if let Some(file) = &args.report {
        tokio::fs::write(file, &line)
            .await
            .map_err(|error| OpError::new(Blame::Usage, format!("cannot write {}: {error}", file.display())))?;
    }
    print(format!("{line}\n").as_bytes())
}

/// Done when the process is told to end, as the kubelet does. Where there is no such signal, Ctrl-C ends it, as every command.
fn told_to_stop() -> Result<impl Future<Output = ()>, OpError> {
    let mut told = SignalListener::new(SystemSignal::Terminate)
        .map_err(|error| OpError::new(Blame::Usage, format!("cannot listen for signals: {error}")))?;
    Ok(async move { told.next().await })
}
