// A thing of splats, to turn: each is a quad as wide as three of its deviations, drawn from back to front (Kerbl et al. 2023).
window.darkroomShape = (tab) => {
  const $ = (id) => document.getElementById(`${tab}-${id}`);
  const canvas = $('orbit'), gl = canvas.getContext('webgl2', { preserveDrawingBuffer: true, premultipliedAlpha: true, antialias: false });
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches, slot = document.querySelector(`#${tab}-ends [data-end]`);
  let image = '', cloud = null, shown = '', azimuth = 30, elevation = 20, distance = 2.6, solid = false, turning = !calm, dirty = true, before = 0;

  const vertex = `#version 300 es
  in vec2 corner; in vec3 at; in vec3 diagonal; in vec3 rest; in vec4 colour;
  uniform mat3 turn; uniform float away, focal, size; out vec2 place; out vec4 tint;
  void main() {
    vec3 p = turn * at; p.z += away; tint = colour; place = corner * 3.0;
    mat3 spread = turn * mat3(diagonal.x, rest.x, rest.y, rest.x, diagonal.y, rest.z, rest.y, rest.z, diagonal.z) * transpose(turn);
    float z = max(p.z, 0.05), edge = 1.3 * size / 2.0 / focal; // as splatting.project has it
    vec2 t = clamp(p.xy / z, -edge, edge);
    vec3 jx = focal * vec3(1.0 / z, 0.0, -t.x / z), jy = focal * vec3(0.0, 1.0 / z, -t.y / z);
    float a = dot(jx, spread * jx) + 0.3, b = dot(jx, spread * jy), c = dot(jy, spread * jy) + 0.3;
    float middle = (a + c) / 2.0, root = sqrt(max(0.0, middle * middle - a * c + b * b)), most = middle + root, least = max(0.05, middle - root);
    vec2 axis = abs(b) > 1e-6 ? normalize(vec2(b, most - a)) : (a >= c ? vec2(1, 0) : vec2(0, 1));
    vec2 shift = 3.0 * (corner.x * sqrt(most) * axis + corner.y * sqrt(least) * vec2(-axis.y, axis.x));
    vec2 seen = (p.xy / z * focal + shift) / (size / 2.0);
    gl_Position = p.z < 0.05 ? vec4(2, 2, 2, 1) : vec4(seen.x, -seen.y, 0, 1);
  }`;
  const fragment = `#version 300 es
  precision highp float; in vec2 place; in vec4 tint; uniform bool solid; out vec4 result;
  void main() {
    float d = dot(place, place);
    if (solid) { if (d > 1.4) discard; float light = 0.65 + 0.35 * sqrt(1.0 - d / 1.4); result = vec4(tint.rgb * light, 1); return; }
    float alpha = min(0.99, tint.a * exp(-0.5 * d));
    if (alpha < 1.0 / 255.0) discard;
    result = vec4(tint.rgb * alpha, alpha);
  }`;
  const attributes = [['at', 3], ['diagonal', 3], ['rest', 3], ['colour', 4]], stride = 13;
  let program = null, uniforms = {}, buffer = null;

  function prepare() {
    program = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source); gl.compileShader(shader); gl.attachShader(program, shader);
    }
    gl.linkProgram(program); gl.useProgram(program);
    for (const name of ['turn', 'away', 'focal', 'size', 'solid']) uniforms[name] = gl.getUniformLocation(program, name);
    const corners = gl.createBuffer(), corner = gl.getAttribLocation(program, 'corner');
    gl.bindBuffer(gl.ARRAY_BUFFER, corners); gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), gl.STATIC_DRAW);
    gl.enableVertexAttribArray(corner); gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
    buffer = gl.createBuffer(); gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    let offset = 0;
    for (const [name, n] of attributes) {
      const where = gl.getAttribLocation(program, name);
      gl.enableVertexAttribArray(where); gl.vertexAttribPointer(where, n, gl.FLOAT, false, 4 * stride, 4 * offset); gl.vertexAttribDivisor(where, 1);
      offset += n;
    }
    gl.enable(gl.BLEND); gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA); gl.clearColor(1, 1, 1, 1);
  }

  // a .splat file, 32 bytes each, in the world of its viewers (y down): half around x it is ours
  function read(bytes) {
    const n = bytes.byteLength / 32, floats = new Float32Array(bytes), small = new Uint8Array(bytes), rows = new Float32Array(n * stride);
    for (let i = 0; i < n; i += 1) {
      const f = 8 * i, u = 32 * i, o = stride * i, s = floats.subarray(f + 3, f + 6);
      const [w, x, y, z] = [0, 1, 2, 3].map((k) => (small[u + 28 + k] - 128) / 128), norm = 1 / (Math.hypot(w, x, y, z) || 1), [a, b, c, d] = [w, x, y, z].map((v) => v * norm);
      const r = [[1 - 2 * (c * c + d * d), 2 * (b * c - a * d), 2 * (b * d + a * c)], [2 * (b * c + a * d), 1 - 2 * (b * b + d * d), 2 * (c * d - a * b)], [2 * (b * d - a * c), 2 * (c * d + a * b), 1 - 2 * (b * b + c * c)]];
      const spread = (j, k) => r[j][0] * r[k][0] * s[0] * s[0] + r[j][1] * r[k][1] * s[1] * s[1] + r[j][2] * r[k][2] * s[2] * s[2];
      rows.set([floats[f], -floats[f + 1], -floats[f + 2], spread(0, 0), spread(1, 1), spread(2, 2), -spread(0, 1), -spread(0, 2), spread(1, 2)], o);
      for (let k = 0; k < 4; k += 1) rows[o + 9 + k] = small[u + 24 + k] / 255;
    }
    return { n, rows, sorted: new Float32Array(rows.length) };
  }

  // rows: right, down, forward, as splatting.Camera.around has it
  function turn() {
    const a = (azimuth * Math.PI) / 180, e = (elevation * Math.PI) / 180, back = [Math.cos(e) * Math.sin(a), Math.sin(e), Math.cos(e) * Math.cos(a)], right = [Math.cos(a), 0, -Math.sin(a)];
    const up = [back[1] * right[2] - back[2] * right[1], back[2] * right[0] - back[0] * right[2], back[0] * right[1] - back[1] * right[0]];
    return [right, up.map((v) => -v), back.map((v) => -v)];
  }

  function paint() {
    if (!cloud || !gl || canvas.hidden) return;
    const side = Math.round(canvas.clientWidth * Math.min(2, devicePixelRatio)) || 512, m = turn();
    if (canvas.width !== side) canvas.width = canvas.height = side;
    const { n, rows, sorted } = cloud, depth = new Float32Array(n), order = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = 0; i < n; i += 1) depth[i] = m[2][0] * rows[stride * i] + m[2][1] * rows[stride * i + 1] + m[2][2] * rows[stride * i + 2];
    order.sort((i, j) => depth[j] - depth[i]);
    order.forEach((from, to) => sorted.set(rows.subarray(stride * from, stride * from + stride), stride * to));
    if (!program) prepare();
    gl.viewport(0, 0, side, side); gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniformMatrix3fv(uniforms.turn, false, [0, 1, 2].flatMap((k) => m.map((row) => row[k])));
    gl.uniform1f(uniforms.away, distance); gl.uniform1f(uniforms.focal, side / 2 / Math.tan(Math.PI / 9)); gl.uniform1f(uniforms.size, side); gl.uniform1i(uniforms.solid, solid ? 1 : 0);
    gl.bufferData(gl.ARRAY_BUFFER, sorted, gl.DYNAMIC_DRAW); gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, n);
  }

  function tick(now) {
    requestAnimationFrame(tick);
    const passed = (now - before) / 1000;
    before = now;
    if (canvas.hidden || !cloud || !canvas.offsetParent) return;
    if (turning && cloud.n <= 5000) { azimuth += passed * 24; dirty = true; }
    if (dirty) { dirty = false; paint(); }
  }
  requestAnimationFrame(tick);

  const button = (name) => document.querySelector(`#${tab}-tools [data-do=${name}]`);
  function spin(on) { turning = on; button('spin').setAttribute('aria-pressed', on); button('spin').textContent = on ? 'Hold still' : 'Turn'; }
  spin(turning);
  button('spin').onclick = () => spin(!turning);
  button('solid').onclick = (e) => { solid = !solid; e.target.setAttribute('aria-pressed', solid); dirty = true; };
  button('front').onclick = () => { spin(false); azimuth = 30; elevation = 20; distance = 2.6; dirty = true; };
  function nearer(by) { distance = Math.max(0.6, Math.min(8, distance * by)); dirty = true; }
  const fingers = new Map(), gap = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]) || 1; // where each that touches is: one turns, two come nearer
  canvas.onpointerdown = (e) => { fingers.set(e.pointerId, [e.clientX, e.clientY]); canvas.setPointerCapture(e.pointerId); spin(false); };
  canvas.onpointermove = (e) => {
    const was = fingers.get(e.pointerId), now = [e.clientX, e.clientY], other = [...fingers].find(([id]) => id !== e.pointerId)?.[1];
    if (!was) return;
    if (other) nearer(gap(was, other) / gap(now, other));
    else { azimuth -= (now[0] - was[0]) * 0.5; elevation = Math.max(-85, Math.min(85, elevation + (now[1] - was[1]) * 0.5)); dirty = true; }
    fingers.set(e.pointerId, now);
  };
  canvas.onpointerup = canvas.onpointercancel = (e) => { fingers.delete(e.pointerId); };
  canvas.addEventListener('wheel', (e) => { e.preventDefault(); nearer(Math.exp(e.deltaY / 800)); }, { passive: false });
  canvas.addEventListener('keydown', (e) => {
    const zoom = { '+': 0.9, '-': 1 / 0.9 }[e.key];
    if (zoom) nearer(zoom);
    const step = { ArrowLeft: [6, 0], ArrowRight: [-6, 0], ArrowUp: [0, 6], ArrowDown: [0, -6] }[e.key];
    if (!step) return;
    e.preventDefault(); spin(false); azimuth += step[0]; elevation = Math.max(-85, Math.min(85, elevation + step[1])); dirty = true;
  });
  window.addEventListener('resize', () => { dirty = true; });
  canvas.addEventListener('webglcontextlost', (e) => e.preventDefault());
  canvas.addEventListener('webglcontextrestored', () => { program = null; dirty = true; });

  async function lay(url) {
    shown = url;
    const bytes = await (await fetch(url)).arrayBuffer();
    if (shown !== url) return; // a newer one came first
    cloud = read(bytes); dirty = true;
  }
  // a step: its splats to turn, or what is wrong of them, or before there are any, the views
  function show(frame, which) {
    const there = Boolean(gl && frame.splats && which === 'preview');
    canvas.hidden = !there; $('now').hidden = there; $('tools').hidden = !there;
    if (there && frame.splats.url !== shown) lay(frame.splats.url);
    dirty = true;
  }

  // the picture that is given, or a file of splats to look at
  async function set(given) {
    if (given.splats && !gl) return 'This browser cannot show splats: it has no WebGL 2.';
    if (given.splats) { $('empty').hidden = true; show({ splats: given.splats }, 'preview'); $('where').textContent = given.note; }
    if (given.image) document.querySelector(`#${tab}-model label:first-child input:checked`) && document.querySelectorAll(`#${tab}-model input`)[1].click(); // what is given is to be used
    if ('image' in given) { image = given.image || ''; slot.style.backgroundImage = image ? `url(${image})` : ''; slot.classList.toggle('on', Boolean(image)); }
    return '';
  }
  document.getElementById(`${tab}-ends`).addEventListener('click', (e) => {
    if (e.target.closest('[data-end]')) window.darkroom.choose();
    if (e.target.closest('[data-do=clear]')) set({ image: '' });
  });
  return { set, get: () => image, show, shot: () => { paint(); return canvas.toDataURL('image/png'); } };
};
