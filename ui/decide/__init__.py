"""May a compressed model replace its original?"""
