"use strict";
const element = (id) => document.getElementById(id);
const show = (text) => { element("state").textContent = text; };

// Session: signalling and what the page sets go over one WebSocket.
const peer = new RTCPeerConnection();
let serverMilliseconds = null;
const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/session`);
const say = (message) => { if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message)); };
const camera = navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480, frameRate: 25 }, audio: false });

camera.then((stream) => {
  element("camera").srcObject = stream;
  show("Connecting.");
}).catch((error) => show(`No camera: ${error.message}`));

peer.onicecandidate = ({ candidate }) => {
  if (candidate) say({ candidate: candidate.candidate, line: candidate.sdpMLineIndex });
};
peer.ontrack = ({ track }) => {
  element("head").srcObject = new MediaStream([track]);
  show("Waiting for the first head.");
};
element("head").onplaying = () => show("");
peer.onconnectionstatechange = () => {
  if (peer.connectionState === "failed") show("The connection failed.");
};
socket.onclose = () => show("The server is gone: start it and load this page anew.");

async function answer(offer) {
  const stream = await camera;
  await peer.setRemoteDescription({ type: "offer", sdp: offer });
  // The one picture that goes each way travels in the same section of the session.
  const [transceiver] = peer.getTransceivers();
  await transceiver.sender.replaceTrack(stream.getVideoTracks()[0]);
  transceiver.direction = "sendrecv";
  await peer.setLocalDescription(await peer.createAnswer());
  say({ answer: peer.localDescription.sdp });
}

// Candidates may come before the offer is taken.
let offered = null;
socket.onmessage = ({ data }) => {
  const message = JSON.parse(data);
  if (message.identities) {
    buildIdentities(message.identities);
    buildControls(message.controls);
  } else if (message.offer) {
    offered = answer(message.offer).catch((error) => show(`No connection: ${error.message}`));
  } else if (message.candidate && offered) {
    offered.then(() => peer.addIceCandidate({ candidate: message.candidate, sdpMLineIndex: message.line }));
  } else if (message["server-ms"]) {
    serverMilliseconds = message["server-ms"];
  } else if (message.error) {
    show(message.error);
  }
};

function buildIdentities(names) {
  const buttons = names.map((name, index) => {
    const button = document.createElement("button");
    const picture = document.createElement("img");
    picture.src = `/thumbnails/${encodeURIComponent(name)}.png`;
    picture.alt = "";
    button.type = "button";
    button.setAttribute("aria-pressed", index === 0);
    button.append(picture, name);
    button.onclick = () => {
      buttons.forEach((other) => other.setAttribute("aria-pressed", other === button));
      say({ identity: name });
    };
    return button;
  });
  element("identities").replaceChildren(...buttons);
}

function buildControls(controls) {
  element("controls").replaceChildren(...controls.map((control) => {
    const label = document.createElement("label");
    const input = document.createElement(control.choices ? "select" : "input");
    if (control.choices) {
      input.append(...control.choices.map((choice) => new Option(choice)));
    } else {
      Object.assign(input, { type: "range", min: control.least, max: control.most, step: control.step });
    }
    input.name = control.name;
    input.value = control.value;
    input.oninput = () => say({ set: control.name, to: control.choices ? input.value : Number(input.value) });
    label.append(control.label, input);
    return label;
  }));
}
element("reference").onclick = () => say({ "set-reference": true });

// From a frame of the camera to its head on the screen: coding here, the way there and back, the server, and what is waited for and
// decoded here. Means of the last second.
const before = {};
function perFrame(report, total, count) {
  const last = before[report.id + total] ?? { total: 0, count: 0 };
  const now = { total: report[total] ?? 0, count: report[count] ?? 0 };
  before[report.id + total] = now;
  return now.count > last.count ? 1000 * (now.total - last.total) / (now.count - last.count) : 0;
}
async function tellLatency() {
  let coding = 0, way = 0, waiting = 0, decoding = 0, frames = 0;
  (await peer.getStats()).forEach((report) => {
    if (report.type === "outbound-rtp") coding += perFrame(report, "totalEncodeTime", "framesEncoded");
    if (report.type === "candidate-pair" && report.nominated) way = 1000 * (report.currentRoundTripTime ?? 0);
    if (report.type === "inbound-rtp") {
      waiting += perFrame(report, "jitterBufferDelay", "jitterBufferEmittedCount");
      decoding += perFrame(report, "totalDecodeTime", "framesDecoded");
      frames = report.framesPerSecond ?? 0;
    }
  });
  if (serverMilliseconds === null || !frames) return;
  const total = coding + way + serverMilliseconds + waiting + decoding;
  element("latency").textContent = `${Math.round(total)} ms from camera to head: server ${Math.round(serverMilliseconds)}, network ${Math.round(way)}, ` +
    `browser ${Math.round(coding + waiting + decoding)}; ${frames} heads a second`;
}
setInterval(tellLatency, 1000);
