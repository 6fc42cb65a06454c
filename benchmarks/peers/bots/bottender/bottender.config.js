// The channel as bottender's guide sets it up; `origin` is where its calls go.
module.exports = {
  session: {
    driver: process.env.BOTTENDER_SESSION || 'memory',
    stores: {
      memory: { maxSize: 500 },
      file: { dirname: process.env.BOTTENDER_FOLDER || '.sessions' },
    },
  },
  initialState: { last: '' },
  channels: {
    line: {
      enabled: true,
      path: '/webhooks/line',
      accessToken: process.env.ENGAWA_LINE_CHANNEL_ACCESS_TOKEN,
      channelSecret: process.env.ENGAWA_LINE_CHANNEL_SECRET,
      origin: process.env.ENGAWA_LINE_API_BASE,
    },
  },
};
