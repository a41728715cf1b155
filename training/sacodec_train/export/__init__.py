"""PyTorch -> a model pack: three streaming ONNX graphs, manifest, card."""
