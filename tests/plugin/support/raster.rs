//! Draws what egui tessellated, in plain Rust: the same picture on every machine, without a driver.
//!
//! egui's own test renderer needs a Vulkan driver, whose version shows in the pictures, and a graphics
//! stack that takes longer to build than the plugin. What egui draws is only textured triangles.

use std::collections::HashMap;

use egui::epaint::{ImageData, Primitive, Vertex};
use egui::{Color32, Rect, TextureFilter, TextureId, TexturesDelta};
use egui_kittest::TestRenderer;
use image::RgbaImage;
use sacodec::editor::theme::BACKGROUND;

/// The renderer.
#[derive(Default)]
pub struct Raster {
    textures: HashMap<TextureId, Texture>,
}

struct Texture {
    size: [usize; 2],
    texels: Vec<[f32; 4]>,
    filter: TextureFilter,
}

type Rgba = [f32; 4];

impl TestRenderer for Raster {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        for (id, images) in delta.set.drain() {
            for patch in images {
                let ImageData::Color(image) = &patch.image;
                let [width, height] = image.size;
                let texels = image.pixels.iter().map(|c| rgba(*c));
                match patch.pos {
                    None => {
                        let filter = patch.options.magnification;
                        let texture = Texture { size: image.size, texels: texels.collect(), filter };
                        self.textures.insert(id, texture);
                    }
                    Some([x, y]) => {
                        let texture = self.textures.get_mut(&id).expect("a patch of no texture");
                        let stride = texture.size[0];
                        assert!(
                            x + width <= stride && y + height <= texture.size[1],
                            "a patch is out of bounds"
                        );
                        for (i, texel) in texels.enumerate() {
                            texture.texels[(y + i / width) * stride + x + i % width] = texel;
                        }
                    }
                }
            }
        }
        for id in delta.free.drain() {
            self.textures.remove(&id);
        }
    }

    fn render(&mut self, ctx: &egui::Context, output: &egui::FullOutput) -> Result<RgbaImage, String> {
        let scale = ctx.pixels_per_point();
        let size = ctx.content_rect().size() * scale;
        let (width, height) = (size.x.round() as usize, size.y.round() as usize);
        // As the window is cleared.
        let mut canvas = Canvas { width, height, pixels: vec![rgba(BACKGROUND); width * height] };
        for job in ctx.tessellate(output.shapes.clone(), scale) {
            let Primitive::Mesh(mesh) = &job.primitive else { return Err("a paint callback".to_owned()) };
            let texture = self.textures.get(&mesh.texture_id).ok_or("a mesh of no texture")?;
            for triangle in mesh.indices.chunks_exact(3) {
                let corners = [triangle[0], triangle[1], triangle[2]].map(|i| &mesh.vertices[i as usize]);
                canvas.fill(corners, texture, job.clip_rect * scale, scale);
            }
        }
        let bytes = canvas.pixels.iter().flatten().map(|v| (v * 255.0).round().clamp(0.0, 255.0) as u8);
        RgbaImage::from_raw(width as u32, height as u32, bytes.collect()).ok_or("no picture".to_owned())
    }
}

struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<Rgba>,
}

impl Canvas {
    fn fill(&mut self, corners: [&Vertex; 3], texture: &Texture, clip: Rect, scale: f32) {
        let [a, b, c] = corners.map(|v| v.pos * scale);
        let area = (b - a).x * (c - a).y - (b - a).y * (c - a).x;
        if area == 0.0 {
            return;
        }
        // Pixels whose middle may be inside, and that the rounded scissor of a GPU lets through.
        let span = |points: [f32; 3], low: f32, high: f32, most: usize| {
            let least = points.into_iter().fold(f32::MAX, f32::min);
            let greatest = points.into_iter().fold(f32::MIN, f32::max);
            let from = (least - 0.5).ceil().max(low.round()).max(0.0) as usize;
            let to = ((greatest - 0.5).floor() + 1.0).min(high.round()).max(0.0) as usize;
            from..to.min(most)
        };
        let columns = span([a.x, b.x, c.x], clip.left(), clip.right(), self.width);
        for y in span([a.y, b.y, c.y], clip.top(), clip.bottom(), self.height) {
            for x in columns.clone() {
                let p = egui::pos2(x as f32 + 0.5, y as f32 + 0.5);
                let Some(weights) = inside(p, [a, b, c], area) else { continue };
                let mix = |pick: &dyn Fn(&Vertex) -> f32| -> f32 {
                    corners.iter().zip(weights).map(|(v, w)| w * pick(v)).sum()
                };
                let texel = texture.sample(mix(&|v| v.uv.x), mix(&|v| v.uv.y));
                let color: Rgba = std::array::from_fn(|i| texel[i] * mix(&|v| rgba(v.color)[i]));
                let target = &mut self.pixels[y * self.width + x];
                // Premultiplied, in gamma space, as egui's own shaders blend.
                *target = std::array::from_fn(|i| color[i] + target[i] * (1.0 - color[3]));
            }
        }
    }
}

/// Barycentric weights of a point in a triangle; points on an edge belong to one of its sides alone.
fn inside(p: egui::Pos2, [a, b, c]: [egui::Pos2; 3], area: f32) -> Option<[f32; 3]> {
    let edge = |from: egui::Pos2, to: egui::Pos2| {
        let value = ((to - from).x * (p - from).y - (to - from).y * (p - from).x) / area;
        let along = (to - from) * area.signum();
        let is_top_left = along.y < 0.0 || (along.y == 0.0 && along.x > 0.0);
        (value > 0.0 || (value == 0.0 && is_top_left)).then_some(value)
    };
    Some([edge(b, c)?, edge(c, a)?, edge(a, b)?])
}

impl Texture {
    fn texel(&self, x: i64, y: i64) -> Rgba {
        let clamp = |v: i64, size: usize| v.clamp(0, size as i64 - 1) as usize;
        self.texels[clamp(y, self.size[1]) * self.size[0] + clamp(x, self.size[0])]
    }

    fn sample(&self, u: f32, v: f32) -> Rgba {
        let (x, y) = (u * self.size[0] as f32, v * self.size[1] as f32);
        if self.filter == TextureFilter::Nearest {
            return self.texel(x.floor() as i64, y.floor() as i64);
        }
        let (x, y) = (x - 0.5, y - 0.5);
        let (left, top) = (x.floor(), y.floor());
        let (right_share, bottom_share) = (x - left, y - top);
        let (left, top) = (left as i64, top as i64);
        std::array::from_fn(|i| {
            let row = |y: i64| {
                let (l, r) = (self.texel(left, y)[i], self.texel(left + 1, y)[i]);
                l + right_share * (r - l)
            };
            row(top) + bottom_share * (row(top + 1) - row(top))
        })
    }
}

fn rgba(color: Color32) -> Rgba {
    color.to_array().map(|v| f32::from(v) / 255.0)
}
