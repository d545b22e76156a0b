//! What a look at a listener sees, and what it says where it sees nothing.

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::tls::testing::{NAME, TestCa, issued, pair};
use crate::tls::{Clients, ReloadingPair, server_config};

const LONG: Duration = Duration::from_secs(20);

fn name() -> ServerName<'static> {
    ServerName::try_from(NAME).unwrap()
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[tokio::test]
async fn it_sees_the_leaf_and_the_listener_sees_a_client_with_manners() {
    let issue = issued();
    let probe = Probe::new().unwrap();
    let nobody_else = Clients::new(
        TestCa::new().pem().as_bytes(),
        vec!["kube-apiserver".to_owned()],
        probe.certificate(),
        |client| panic!("{client:?}"),
    );
    for clients in [None, Some(Arc::new(nobody_else.unwrap()))] {
        let pair = Arc::new(ReloadingPair::new(pair(&issue)));
        let server = server_config(Arc::clone(&pair), clients).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(server));
        let (listener, address) = listen().await;
        let mut task = JoinSet::new();
        task.spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = acceptor.accept(stream).await.unwrap();
            tokio::io::AsyncReadExt::read(&mut stream, &mut [0]).await
        });
        let leaf = probe.look(address, name(), LONG).await.unwrap();
        assert_eq!(leaf, pair.current().chain()[0]);
        let read = task.join_next().await.unwrap().unwrap();
        assert_eq!(read.unwrap(), 0, "a proper end of the connection");
    }
}

#[tokio::test]
async fn another_probe_is_a_client_like_others() {
    let (ours, other) = (Probe::new().unwrap(), Probe::new().unwrap());
    let authorities = TestCa::new().pem();
    let clients = Clients::new(
        authorities.as_bytes(),
        Vec::new(),
        ours.certificate(),
        |_| {},
    );
    let pair = Arc::new(ReloadingPair::new(pair(&issued())));
    let server = server_config(pair, Some(Arc::new(clients.unwrap()))).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(server));
    let (listener, address) = listen().await;
    let accept = async {
        let (stream, _) = listener.accept().await.unwrap();
        acceptor.accept(stream).await.map(drop)
    };
    let (_, accepted) = tokio::join!(other.look(address, name(), LONG), accept);
    let error = accepted.unwrap_err().to_string();
    assert!(error.contains("invalid peer certificate"), "{error}");
}

#[tokio::test]
async fn where_nobody_answers_it_says_so() {
    let probe = Probe::new().unwrap();
    let (listener, address) = listen().await;
    let short = Duration::from_millis(30);
    let error = probe.look(address, name(), short).await.unwrap_err();
    assert!(matches!(error, ProbeError::TimedOut { .. }), "{error:?}");
    drop(listener);
    let error = probe.look(address, name(), LONG).await.unwrap_err();
    assert!(matches!(error, ProbeError::Connect { .. }), "{error:?}");

    let (listener, address) = listen().await;
    let plain = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await
    };
    let (seen, _) = tokio::join!(probe.look(address, name(), LONG), plain);
    let error = seen.unwrap_err();
    assert!(matches!(error, ProbeError::Handshake { .. }), "{error:?}");
}

#[test]
fn no_debug_output_shows_its_key() {
    assert_eq!(format!("{:?}", Probe::new().unwrap()), "Probe { .. }");
}
