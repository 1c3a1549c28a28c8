import { scaled } from '../settings.mjs'
import { saturation } from './saturation.mjs'

const variantOf = (channels, streamsEach, batch) => ({
  name: `${channels} × ${streamsEach}, ${batch === 1 ? 'single' : `batches of ${batch}`}`,
  channels: scaled(channels),
  streamsEach,
  batch,
})

export const channels = {
  ...saturation,
  name: 'channels',
  title: '(c) Deliveries a second at saturation, many channels, 100 bytes',
  variants: [
    variantOf(1000, 1, 1),
    variantOf(1000, 1, 100),
    variantOf(100, 100, 1),
    variantOf(100, 100, 100),
  ],
  beside: {},
}
