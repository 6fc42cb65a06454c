// bottender: one action for every text, its state in memory.
const CHOICES = ['はじめ', '家族', 'メニュー'];

module.exports = async function App(context) {
  if (!context.event.isText) return;
  const { text } = context.event;
  context.setState({ last: text });
  const items = CHOICES.map((choice) => ({
    type: 'action',
    action: { type: 'message', label: choice, text: choice },
  }));
  await context.replyText(`読みました。${text}`, { quickReply: { items } });
};
