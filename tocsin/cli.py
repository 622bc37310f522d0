"""stub"""
import json, sys
from pathlib import Path
def main():
    from tocsin.train.recipe import read_recipe
    from tocsin.train.run import train
    from tocsin.data.corpus import load_split
    from tocsin.evaluate.scores import score
    r=read_recipe(sys.argv[1]); d=Path(sys.argv[3])
    keep=lambda ss:[s for s in ss if s.lang in r.languages]
    print({k:v for k,v in train(r,keep(load_split("train",d)),keep(load_split("dev",d)),Path(sys.argv[2]),score).items() if "per" not in k})
if __name__=="__main__": main()
