// What a press on 「新しい知らせがあります」 does: the console that is open comes to the front, else a new one opens.
// This worker keeps nothing, sees no request and is sent nothing: it is there because phones show notices only by one.

addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(clients.matchAll({ type: "window", includeUncontrolled: true }).then((open) => {
    const ours = open.find(({ url }) => /^\/admin(\/|$)/.test(new URL(url).pathname));
    return ours ? ours.focus() : clients.openWindow("/admin");
  }));
});
