// Gaussian splats by WebGL: each is a quad as wide as three of its deviations, drawn from back to front
// (Kerbl et al. 2023; the projection is that of Zwicker et al. 2001, as in gaussian_splatting/rasterize.py).

const VERTEX = `#version 300 es
in vec2 corner; in vec3 at; in vec3 diagonal; in vec3 rest; in vec4 colour;
uniform mat3 turn; uniform float away, focal, size; out vec2 place; out vec4 tint;
void main() {
  vec3 p = turn * at; p.z += away; tint = colour; place = corner * 3.0;
  mat3 own = mat3(diagonal.x, rest.x, rest.y, rest.x, diagonal.y, rest.z, rest.y, rest.z, diagonal.z);
  mat3 spread = turn * own * transpose(turn);
  float z = max(p.z, 0.05), edge = 1.3 * size / 2.0 / focal;
  vec2 t = clamp(p.xy / z, -edge, edge);
  vec3 jx = focal * vec3(1.0 / z, 0.0, -t.x / z), jy = focal * vec3(0.0, 1.0 / z, -t.y / z);
  float a = dot(jx, spread * jx) + 0.3, b = dot(jx, spread * jy), c = dot(jy, spread * jy) + 0.3;
  float middle = (a + c) / 2.0, root = sqrt(max(0.0, middle * middle - a * c + b * b));
  float most = middle + root, least = max(0.05, middle - root);
  vec2 axis = abs(b) > 1e-6 ? normalize(vec2(b, most - a)) : (a >= c ? vec2(1, 0) : vec2(0, 1));
  vec2 shift = 3.0 * (corner.x * sqrt(most) * axis + corner.y * sqrt(least) * vec2(-axis.y, axis.x));
  vec2 pixel = (p.xy / z * focal + shift) / (size / 2.0);
  gl_Position = p.z < 0.05 ? vec4(2, 2, 2, 1) : vec4(pixel.x, -pixel.y, 0, 1);
}`;

const FRAGMENT = `#version 300 es
precision highp float; in vec2 place; in vec4 tint; uniform bool solid; out vec4 result;
void main() {
  float d = dot(place, place);
  if (solid) {
    if (d > 1.4) discard;
    float light = 0.65 + 0.35 * sqrt(1.0 - d / 1.4);
    result = vec4(tint.rgb * light, 1);
    return;
  }
  float alpha = min(0.99, tint.a * exp(-0.5 * d));
  if (alpha < 1.0 / 255.0) discard;
  result = vec4(tint.rgb * alpha, alpha);
}`;

const ATTRIBUTES = [
  ["at", 3],
  ["diagonal", 3],
  ["rest", 3],
  ["colour", 4],
];
const STRIDE = 13;

/** The rotation matrix of a quaternion in the four bytes of a .splat file. */
function rotation(bytes, offset) {
  const raw = [0, 1, 2, 3].map((k) => (bytes[offset + k] - 128) / 128);
  const norm = 1 / (Math.hypot(...raw) || 1);
  const [a, b, c, d] = raw.map((v) => v * norm);
  return [
    [1 - 2 * (c * c + d * d), 2 * (b * c - a * d), 2 * (b * d + a * c)],
    [2 * (b * c + a * d), 1 - 2 * (b * b + d * d), 2 * (c * d - a * b)],
    [2 * (b * d - a * c), 2 * (c * d + a * b), 1 - 2 * (b * b + c * c)],
  ];
}

/** A .splat file, 32 bytes each, in the world of its viewers (y down): half around x it is ours. */
export function parseSplats(buffer) {
  const count = buffer.byteLength / 32;
  const floats = new Float32Array(buffer);
  const bytes = new Uint8Array(buffer);
  const rows = new Float32Array(count * STRIDE);
  for (let i = 0; i < count; i += 1) {
    const f = 8 * i;
    const [sx, sy, sz] = floats.subarray(f + 3, f + 6);
    const r = rotation(bytes, 32 * i + 28);
    const spread = (j, k) =>
      r[j][0] * r[k][0] * sx * sx + r[j][1] * r[k][1] * sy * sy + r[j][2] * r[k][2] * sz * sz;
    const colour = [0, 1, 2, 3].map((k) => bytes[32 * i + 24 + k] / 255);
    const place = [floats[f], -floats[f + 1], -floats[f + 2]];
    rows.set(
      [...place, spread(0, 0), spread(1, 1), spread(2, 2), -spread(0, 1), -spread(0, 2), spread(1, 2), ...colour],
      STRIDE * i,
    );
  }
  return { count, rows, sorted: new Float32Array(rows.length) };
}

/** Rows right, down, forward of a camera on an orbit, as rasterize.Camera.around has it; degrees. */
export function orbit(azimuth, elevation) {
  const a = (azimuth * Math.PI) / 180;
  const e = (elevation * Math.PI) / 180;
  const back = [Math.cos(e) * Math.sin(a), Math.sin(e), Math.cos(e) * Math.cos(a)];
  const right = [Math.cos(a), 0, -Math.sin(a)];
  const up = [
    back[1] * right[2] - back[2] * right[1],
    back[2] * right[0] - back[0] * right[2],
    back[0] * right[1] - back[1] * right[0],
  ];
  return [right, up.map((v) => -v), back.map((v) => -v)];
}

export class SplatShader {
  constructor(canvas) {
    this.canvas = canvas;
    this.gl = canvas.getContext("webgl2", {
      preserveDrawingBuffer: true,
      premultipliedAlpha: true,
      antialias: false,
    });
    this.program = null;
  }

  /** Compile; again after the context was lost. */
  prepare() {
    const { gl } = this;
    this.program = gl.createProgram();
    for (const [type, source] of [
      [gl.VERTEX_SHADER, VERTEX],
      [gl.FRAGMENT_SHADER, FRAGMENT],
    ]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(this.program, shader);
    }
    gl.linkProgram(this.program);
    gl.useProgram(this.program);
    const names = ["turn", "away", "focal", "size", "solid"];
    this.uniforms = Object.fromEntries(names.map((name) => [name, gl.getUniformLocation(this.program, name)]));
    const corner = gl.getAttribLocation(this.program, "corner");
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), gl.STATIC_DRAW);
    gl.enableVertexAttribArray(corner);
    gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    let offset = 0;
    for (const [name, size] of ATTRIBUTES) {
      const where = gl.getAttribLocation(this.program, name);
      gl.enableVertexAttribArray(where);
      gl.vertexAttribPointer(where, size, gl.FLOAT, false, 4 * STRIDE, 4 * offset);
      gl.vertexAttribDivisor(where, 1);
      offset += size;
    }
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.clearColor(1, 1, 1, 1);
  }

  /** Far ones first. */
  sort({ count, rows, sorted }, [x, y, z]) {
    const depth = Float32Array.from({ length: count }, (_, i) => {
      const o = STRIDE * i;
      return x * rows[o] + y * rows[o + 1] + z * rows[o + 2];
    });
    const order = Uint32Array.from({ length: count }, (_, i) => i).sort((i, j) => depth[j] - depth[i]);
    order.forEach((from, to) => {
      sorted.set(rows.subarray(STRIDE * from, STRIDE * (from + 1)), STRIDE * to);
    });
  }

  draw(cloud, { azimuth, elevation, distance, solid }) {
    const { gl, canvas } = this;
    const side = Math.round(canvas.clientWidth * Math.min(2, devicePixelRatio)) || 512;
    const turn = orbit(azimuth, elevation);
    if (canvas.width !== side) canvas.width = canvas.height = side;
    this.sort(cloud, turn[2]);
    if (!this.program) this.prepare();
    gl.viewport(0, 0, side, side);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniformMatrix3fv(
      this.uniforms.turn,
      false,
      [0, 1, 2].flatMap((k) => turn.map((row) => row[k])),
    );
    gl.uniform1f(this.uniforms.away, distance);
    gl.uniform1f(this.uniforms.focal, side / 2 / Math.tan(Math.PI / 9));
    gl.uniform1f(this.uniforms.size, side);
    gl.uniform1i(this.uniforms.solid, solid ? 1 : 0);
    gl.bufferData(gl.ARRAY_BUFFER, cloud.sorted, gl.DYNAMIC_DRAW);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, cloud.count);
  }
}
