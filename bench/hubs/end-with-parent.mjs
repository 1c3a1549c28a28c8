// Loaded by `--import` into what a measurement starts: it ends when the parent is gone, however that ended.
process.on('disconnect', () => process.exit(1))
process.channel.unref()
