/** A drawing of a head in profile, on which a landmark's place is shown. Every line is ours; the head faces right. */

import { svg } from "./dom.js";

/** Where the landmarks lie in the drawing, in its own units. @type {Record<string, number[]>} */
const PLACES = {
  S: [92, 84], N: [166, 72], Or: [150, 101], Po: [70, 104], A: [163, 138], B: [156, 186], Pog: [157, 203], Me: [147, 213],
  Gn: [154, 210], Go: [85, 178], LIT: [166, 163], UIT: [169, 161], UL: [186, 154], LL: [183, 172], Sn: [181, 136],
  "Pog'": [174, 200], PNS: [113, 129], ANS: [170, 130], Ar: [76, 119], Ls: [186, 154], Li: [183, 172], "N'": [174, 74],
  Pn: [199, 124], Prn: [199, 124], Co: [78, 109], UIA: [159, 141], LIA: [152, 182], R: [97, 143], D: [149, 202], G: [176, 57],
  Cm: [190, 132], Ba: [73, 126], Ptm: [112, 116], PT: [110, 104], Bo: [62, 130], "Gn'": [171, 212], "Me'": [160, 219],
  "UL'": [184, 159], "LL'": [184, 166], C: [131, 222], U6: [137, 158], L6: [135, 161], UMT: [137, 158], LMT: [135, 161],
  UPM: [147, 160], LPM: [146, 162],
};

const BONE = [
  "M172 50C168 60 165 66 166 72 169 76 174 84 177 90", // forehead, nasal bone
  "M150 101C142 96 138 88 142 78 147 72 156 70 163 74M150 101C156 98 158 94 158 92", // orbit
  "M166 72C150 72 130 76 108 77 104 76 102 76 101 78 101 86 96 90 91 89 85 87 85 80 87 76M84 77C82 90 78 108 73 126", // skull base, sella, clivus
  "M64 104A6 5 0 1 0 76 104 6 5 0 1 0 64 104", // ear canal
  "M113 129C130 128 150 130 170 130C165 133 163 136 163 140 164 144 165 146 166 149", // palate, point A
  "M112 116C109 121 109 126 113 129",
  "M166 149C170 154 170 158 169 161 165 158 161 150 159 141", // upper incisor
  "M163 183C167 176 168 168 166 163 161 168 155 176 152 183", // lower incisor
  "M163 183C157 186 155 188 157 195 159 201 158 206 154 210 150 214 146 214 142 211 130 203 104 193 91 184 84 179 80 170 78 158 76 144 75 130 74 119 71 112 72 107 78 107 84 108 84 113 82 119M91 122C94 130 100 134 104 128 106 134 108 142 114 150L136 162", // lower jaw
];
const SKIN = "M176 40C178 50 178 58 174 74 178 86 190 108 199 122 200 128 196 132 190 132 184 132 181 134 181 137 181 144 187 150 186 154 186 158 183 160 181 162 185 165 186 169 183 173 180 178 174 180 174 186 176 192 176 200 173 208 166 220 150 220 131 222 122 230 118 240 116 250";

/** @param {{code: string, tissue?: string}} landmark @param {string} label @returns {SVGElement | null} null where the drawing has no place for it. */
export function headDrawing(landmark, label) {
  const at = PLACES[landmark.code];
  if (!at) return null;
  const lines = BONE.map((d) => svg("path", { class: "bone", d }));
  const spot = svg("g", { class: "spot", transform: `translate(${at})` }, svg("circle", { r: 7 }), svg("circle", { r: 1.8, class: "dot" }));
  const given = { class: "head", viewBox: "48 36 162 192", role: "img", "aria-label": label };
  return svg("svg", given, svg("path", { class: "skin", d: SKIN }), ...lines, spot);
}
