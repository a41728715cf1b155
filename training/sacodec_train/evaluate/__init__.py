"""How a pack sounds, in one table: python -m sacodec_train.evaluate PACK ... --clips FOLDER --out SCORES"""
