"""A run's log as a picture: python -m sacodec_train.curves RUN/log.csv RUN/curves.png"""
import csv
import sys


def draw(log, picture):
    """A panel for each column of the log over its steps. Rows of several runs follow each other."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    with open(log, newline="") as file:
        rows = list(csv.DictReader(file))
    names = [n for n in (rows[0] if rows else []) if n not in ("step", "minutes") and any(r[n] for r in rows)]
    if not names:
        return
    height = -(-len(names) // 3)
    figure, axes = pyplot.subplots(height, 3, figsize=(12, 2.4 * height), squeeze=False, layout="constrained")
    for axis, name in zip(axes.flat, names):
        points = [(float(r["step"]), float(r[name])) for r in rows if r[name]]
        axis.plot(*zip(*points), linewidth=1)
        axis.set_title(name.replace("_", " "), fontsize=9)
        axis.tick_params(labelsize=7)
    for axis in axes.flat[len(names):]:
        axis.remove()
    figure.savefig(picture, dpi=90)
    pyplot.close(figure)


if __name__ == "__main__":
    draw(*sys.argv[1:3])
