"""A run's log as a picture: python -m sacodec_train.curves RUN/log.csv RUN/curves.png"""
import argparse
import csv


def draw(log, picture):
    """A panel for each column of the log over its steps. Rows of several runs follow each other. Returns whether there was anything
    to draw."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    with open(log, newline="") as file:
        rows = list(csv.DictReader(file))
    names = [n for n in (rows[0] if rows else []) if n not in ("step", "minutes") and any(r[n] for r in rows)]
    if not names:
        return False
    height = -(-len(names) // 3)
    figure, axes = pyplot.subplots(height, 3, figsize=(12, 2.4 * height), squeeze=False, layout="constrained")
    for axis, name in zip(axes.flat, names):
        points = [(float(r["step"]), float(r[name])) for r in rows if r[name]]
        axis.plot(*zip(*points), linewidth=1, marker="o" if len(points) == 1 else None)
        axis.set_title(name.replace("_", " "), fontsize=9)
        axis.tick_params(labelsize=7)
        axis.ticklabel_format(axis="x", style="plain", useOffset=False)
    for axis in axes.flat[len(names):]:
        axis.remove()
    figure.savefig(picture, dpi=90)
    pyplot.close(figure)
    return True


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("log", help="a run's log.csv")
    p.add_argument("picture", help="the .png to write")
    a = p.parse_args()
    try:
        if not draw(a.log, a.picture):
            p.exit(1, f"{a.log}: holds no rows yet\n")
    except OSError as e:
        p.exit(1, f"{e}\n")
    except (KeyError, ValueError, csv.Error) as e:
        p.exit(1, f"{a.log}: not a log of a run, or {a.picture} is not the name of a picture ({e})\n")


if __name__ == "__main__":
    main()
