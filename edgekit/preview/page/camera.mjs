// The camera as a video element; the front camera is seen mirrored, as in a mirror.

/** {video, mirrored, stop()}. Rejects with a sentence when there is none or it may not be used. */
export async function openCamera() {
  if (!navigator.mediaDevices) throw new Error('This browser gives no camera to this page.');
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({video: {facingMode: 'user', width: {ideal: 1280}}, audio: false});
  } catch (error) {
    const refused = error.name === 'NotAllowedError';
    throw new Error(refused ? 'The camera was not allowed; allow it in the address bar and try again.' : `No camera could be opened (${error.message}).`);
  }
  const [track] = stream.getVideoTracks();
  const video = Object.assign(document.createElement('video'), {srcObject: stream, muted: true, playsInline: true});
  await video.play();
  return {
    video,
    mirrored: track.getSettings().facingMode !== 'environment',
    stop: () => track.stop(),
  };
}
