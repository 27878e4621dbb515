//! `export`: certificates with their keys, encrypted.

use crate::{
    cli::failure::Exit,
    engine::cancel::Cancel,
    ops::{Cluster, Config, Context, OpError, export},
    text::counted,
};

use super::{args::kept::ExportCommand, ensure::recipients, front::Terminal, note, print_text};

pub(super) async fn run(command: ExportCommand) -> Result<Exit, OpError> {
    let request = export::Request {
        secrets: command.secrets.clone(),
        namespace: command.namespace.clone(),
        all_namespaces: command.all_namespaces,
        controller_namespace: command.controller_namespace.clone(),
        directory: command.to.clone(),
        recipients: recipients(&command.age_recipient, &command.age_recipients_file)?,
        again: command.again,
    };
    let cluster = Cluster::new(command.connection.options(), Terminal::telling());
    let context = Context::new(cluster, Config::default(), Cancel::never());
    let report = Box::pin(export::run(&request, &context)).await?;
    let mut written = String::new();
    for path in &report.written {
        written.push_str(&crate::text::Clear(&path.display().to_string()).to_string());
        written.push('\n');
    }
    print_text(&written)?;
    let certificates = counted(report.written.len(), "certificate");
    let others = match report.as_they_were {
        0 => String::new(),
        1 => "; 1 more is there as it was (--again writes it anew, for other recipients)".to_owned(),
        many => format!("; {many} more are there as they were (--again writes them anew, for other recipients)"),
    };
    note(&format!("{certificates} exported, encrypted{others}"));
    Ok(report.trouble.map_or(Exit::Ok, Exit::from))
}
