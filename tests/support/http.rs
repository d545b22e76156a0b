//! `GET` over plain HTTP, for what serves no TLS on this machine.

use std::net::{Ipv4Addr, SocketAddr};

use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Code and body of the response to `GET path` on a port of 127.0.0.1; the error says how far it came.
pub(crate) async fn get(port: u16, path: &str) -> Result<(u16, String), String> {
    get_at((Ipv4Addr::LOCALHOST, port).into(), path).await
}

/// The same anywhere.
pub(crate) async fn get_at(address: SocketAddr, path: &str) -> Result<(u16, String), String> {
    let stream = TcpStream::connect(address).await;
    let stream = TokioIo::new(stream.map_err(|error| error.to_string())?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream)
        .await
        .map_err(|error| error.to_string())?;
    let request = http::Request::get(path)
        .header("host", address.to_string())
        .body(Empty::<bytes::Bytes>::new())
        .unwrap();
    let exchange = async {
        let response = sender.send_request(request).await?;
        let code = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        Ok::<_, hyper::Error>((code, String::from_utf8_lossy(&body).into_owned()))
    };
    tokio::select! {
        answer = exchange => answer.map_err(|error| error.to_string()),
        ended = connection => Err(format!("the connection ended: {ended:?}")),
    }
}

/// An attempt for `until_ready`: `GET path` says 200.
pub(super) async fn ok(port: u16, path: &str) -> Result<(), String> {
    match get(port, path).await? {
        (200, _) => Ok(()),
        (code, body) => Err(format!("{code} {body}")),
    }
}
