"""Compares our Cedar engine with the official one.

    script/fuzz cedar [--cases N] [--seed S] [--binary PATH] [--keep FOLDER]
    script/fuzz corpus FOLDER [--binary PATH]
"""

import argparse
import sys

import corpus
import engine


def main():
    parser = argparse.ArgumentParser(prog="script/fuzz", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    cedar = commands.add_parser("cedar", help="made-up cases, answered by both engines")
    cedar.add_argument("--cases", type=int, default=20_000)
    cedar.add_argument("--seed", default="1", help="any text; the same text makes the same cases")
    cedar.add_argument("--kind", help="only cases of this kind")
    cedar.add_argument("--keep", help="the folder for disagreements", default=".build/disagreements")
    official = commands.add_parser("corpus", help="the official corpus, whose answers are known")
    official.add_argument("folder")
    for command in (cedar, official):
        command.add_argument("--binary", default=engine.BINARY)
    options = parser.parse_args()
    if options.command == "corpus":
        return corpus.run(options.folder, options.binary)
    import differential

    return differential.run(options.cases, options.seed, options.binary, options.keep, options.kind)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
