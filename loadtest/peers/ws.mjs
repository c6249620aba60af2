// A server as it is commonly written over `ws`: what is posted is sent to every socket.
// usage: node ws.mjs PORT
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const http = createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8");
  request.on("data", (part) => (body += part));
  request.on("end", () => {
    for (const client of sockets.clients) client.send(body);
    response.writeHead(202, { "content-length": 0 }).end();
  });
});
const sockets = new WebSocketServer({ server: http, path: "/sub", perMessageDeflate: false });
http.keepAliveTimeout = 600_000;
http.maxRequestsPerSocket = 0;
http.listen(Number(process.argv[2]), "127.0.0.1", 4096);
